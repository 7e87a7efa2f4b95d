/** All tensors of a `.safetensors` file in memory, as float32. */
import { checkText } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { openSafetensors } from './open-safetensors'
import { readTensor } from './read-tensor'
import { isFloatTensor, type FloatArray } from './stored-tensor'

/** The arrays by name. Throws `UNREADABLE_FILE`, `INVALID_SAFETENSORS`, or `INVALID_TENSOR` for what is no float. */
export async function readSafetensors(file: string): Promise<Map<string, FloatArray>> {
  checkText('file', file)
  const arrays = new Map<string, FloatArray>()
  for (const [name, stored] of await openSafetensors({ files: [file] })) {
    if (!isFloatTensor(stored))
      throw new EvolmmError(
        'INVALID_TENSOR',
        `${file}: tensor ${JSON.stringify(name)} must be float32, float16 or bfloat16, got ${stored.dtype}; check the file`,
        { details: { file, name } },
      )
    arrays.set(name, await readTensor(stored))
  }
  return arrays
}
