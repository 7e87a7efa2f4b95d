/** All tensors of a `.safetensors` file in memory, as float32. */
import { EvolmmError } from './errors'
import { openSafetensors } from './open-safetensors'
import { readTensor } from './read-tensor'
import { isFloatTensor } from './stored-tensor'

export interface LoadedTensor {
  shape: readonly number[]
  values: Float32Array
}

/** The tensors by name. Throws `UNREADABLE_FILE`, `INVALID_SAFETENSORS`, or `INVALID_TENSOR` for what is no float. */
export async function readSafetensors(file: string): Promise<Map<string, LoadedTensor>> {
  const tensors = new Map<string, LoadedTensor>()
  for (const [name, stored] of await openSafetensors({ files: [file] })) {
    if (!isFloatTensor(stored))
      throw new EvolmmError(
        'INVALID_TENSOR',
        `${file}: tensor ${JSON.stringify(name)} must be float32, float16 or bfloat16, got ${stored.dtype}; check the file`,
        { details: { file, name } },
      )
    tensors.set(name, { shape: stored.shape, values: await readTensor(stored) })
  }
  return tensors
}
