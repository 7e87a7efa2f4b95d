/** The values of a stored tensor as float32, whole or in pieces; 16-bit types are widened exactly. */
import { open } from 'node:fs/promises'
import { checkList, checkObject, checkText, countOf } from '@evolmm/internal'
import { unreadable } from '@evolmm/internal/node'
import ndarray from 'ndarray'
import { EvolmmError } from './errors'
import { widenHalf } from './half'
import type { FloatArray, FloatType, StoredTensor } from './stored-tensor'
import type { WeightSource } from './write-safetensors'

/** Bytes of the file read at a time. */
const pieceBytes = 4 << 20

/** All values of a tensor, in one array. */
export async function readTensor(tensor: StoredTensor<FloatType>): Promise<FloatArray> {
  checkObject('tensor', tensor)
  checkList('tensor.shape', tensor.shape)
  const values = new Float32Array(countOf(tensor.shape))
  let start = 0
  for await (const piece of streamTensor(tensor)) {
    values.set(piece, start)
    start += piece.length
  }
  return ndarray(values, [...tensor.shape])
}

/** The values in order, a few megabytes at a time. */
export async function* streamTensor(
  tensor: StoredTensor<FloatType>,
): AsyncGenerator<Float32Array<ArrayBuffer>> {
  checkObject('tensor', tensor)
  checkText('tensor.file', tensor.file)
  const { file, dtype, offset, bytes } = tensor
  const handle = await open(file).catch(unreadable(file))
  try {
    for (let start = 0; start < bytes; start += pieceBytes) {
      const length = Math.min(pieceBytes, bytes - start)
      const buffer = new ArrayBuffer(length)
      for (let done = 0; done < length;) {
        const view = new Uint8Array(buffer, done)
        const { bytesRead } = await handle
          .read(view, 0, view.length, offset + start + done)
          .catch(unreadable(file))
        if (bytesRead === 0)
          throw new EvolmmError(
            'INVALID_SAFETENSORS',
            `${file}: tensor ${JSON.stringify(tensor.name)} must end at byte ${offset + bytes}, got the end of the file; keep files as they are while they are in use`,
            { details: { file, tensor: tensor.name } },
          )
        done += bytesRead
      }
      yield dtype === 'float32' ? new Float32Array(buffer) : widenHalf(new Uint16Array(buffer), dtype)
    }
  } finally {
    await handle.close()
  }
}

/** A tensor as something that can be written again. */
export function weightSource(tensor: StoredTensor<FloatType>): WeightSource {
  checkObject('tensor', tensor)
  checkList('tensor.shape', tensor.shape)
  return { name: tensor.name, shape: tensor.shape, values: () => streamTensor(tensor) }
}
