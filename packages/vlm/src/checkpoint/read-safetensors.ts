/** All tensors of a `.safetensors` file in memory, as float32. */
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { safetensorsData } from '@evolmm/onnx'
import { readTensor } from './read-tensor'

export interface LoadedTensor {
  shape: readonly number[]
  values: Float32Array
}

/** By name. Throws `UNREADABLE_FILE`, `INVALID_SAFETENSORS`, or `INVALID_TENSOR` for what is no float. */
export async function readSafetensors(file: string): Promise<Map<string, LoadedTensor>> {
  const data = await safetensorsData({ files: [file] })
  const tensors = new Map<string, LoadedTensor>()
  for (const [name, { dtype, dims, location, offset, length }] of data.tensors) {
    if (dtype !== 'float32' && dtype !== 'float16' && dtype !== 'bfloat16')
      throw new EvolmmError(
        'INVALID_TENSOR',
        `${file}: tensor ${JSON.stringify(name)} must be float32, float16 or bfloat16, got ${dtype}; check the file`,
        { details: { file, name } },
      )
    const stored = { name, file: join(data.folder, location), dtype, shape: dims, offset, bytes: length }
    tensors.set(name, { shape: dims, values: await readTensor(stored) })
  }
  return tensors
}
