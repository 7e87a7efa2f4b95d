/**
 * The matrices of a checkpoint in four bits, made once and kept beside the widened twins. Reading is a stream, so memory
 * holds one quantized matrix at a time.
 */
import { countOf } from '@evolmm/internal'
import {
  bytesPerValue,
  openSafetensors,
  streamTensor,
  writeTensors,
  type StoredTensor,
  type TensorSource,
} from '@evolmm/safetensors'
import type { StoredModel, CheckpointTensor } from './open-checkpoint'
import { blockSize, emptyRows, quantizedShapes, quantizeRow, type QuantizedRows } from './quantize-matrix'
import { aligned, openTwin, page, type TwinOptions } from './twin-file'

/** Names of a matrix's tensors. */
export const quantizedNames = (name: string) => ({
  codes: `${name}.codes`,
  scales: `${name}.scales`,
  zeroPoints: `${name}.zero_points`,
  zeros: `${name}.zeros`,
})

/** The tensors of each of the `names`, matrices all. Throws `NOT_FINITE` and what `openTwin` throws. */
export async function quantizedCheckpoint(
  { tensors: all }: StoredModel,
  names: Iterable<string>,
  options: TwinOptions = {},
): Promise<StoredTensor[]> {
  const tensors = Array.from(names, (name) => {
    const tensor = all.get(name)
    if (tensor === undefined) throw new Error(`internal: the checkpoint has no tensor "${name}"`)
    return tensor
  })
  const matrices = tensors.map((tensor) => {
    const parts = quantizedTensors(tensor.name, tensor.shape)
    return { tensor, parts, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) }
  })
  const parts = matrices.flatMap((matrix) => matrix.parts)
  return openTwin({
    ...options,
    kind: `evolmm quantized weights, version 1, 4 bits, blocks of ${blockSize} with zero points`,
    noun: 'the weights in 4 bits',
    tensors,
    bytes: matrices.reduce((sum, { bytes }) => sum + bytes, 0),
    open: (file) => openQuantized(file, parts),
    write: (file) => writeTensors(file, aligned(matrices).flatMap(sourcesOf), { alignment: page }),
  })
}

interface QuantizedPart {
  name: string
  part: keyof QuantizedRows
  dtype: 'uint8' | 'float32'
  shape: readonly number[]
  bytes: number
}

/** The tensors of a matrix [out, inputs], in the order in which they lie. */
export function quantizedTensors(name: string, [out, inputs]: readonly number[]): QuantizedPart[] {
  const [shapes, names] = [quantizedShapes(out, inputs), quantizedNames(name)]
  return (['codes', 'scales', 'zeros', 'zeroPoints'] as const).map((part) => {
    const dtype = part === 'scales' ? 'float32' : 'uint8'
    const bytes = bytesPerValue[dtype] * countOf(shapes[part])
    return { name: names[part], part, dtype, shape: shapes[part], bytes }
  })
}

/** Whoever asks for the first part has the matrix quantized; with the last it is let go. */
function sourcesOf({
  tensor,
  parts,
}: {
  tensor: CheckpointTensor
  parts: readonly QuantizedPart[]
}): TensorSource[] {
  let rows: Promise<QuantizedRows> | undefined
  return parts.map(({ name, part, dtype, shape }) => ({
    ...{ name, shape, type: dtype === 'float32' ? 'F32' : 'U8' },
    pieces: async function* () {
      const { [part]: values } = await (rows ??= quantized(tensor))
      if (part === 'zeroPoints') rows = undefined
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    },
  }))
}

/** All rows of a matrix, whose values come in pieces that need not end where rows do. */
async function quantized(tensor: CheckpointTensor): Promise<QuantizedRows> {
  const [out, inputs] = tensor.shape
  const rows = emptyRows(out, inputs)
  const begun = new Float32Array(inputs)
  let [row, filled] = [0, 0]
  for await (const piece of streamTensor(tensor)) {
    for (let at = 0; at < piece.length;) {
      const count = Math.min(inputs - filled, piece.length - at)
      const values = piece.subarray(at, at + count)
      at += count
      if (count < inputs) begun.set(values, filled)
      filled = (filled + count) % inputs
      if (filled === 0) quantizeRow(count < inputs ? begun : values, row++, rows)
    }
  }
  return rows
}

/** Throws if the file does not hold these tensors and no others. */
async function openQuantized(file: string, parts: readonly QuantizedPart[]): Promise<StoredTensor[]> {
  const tensors = await openSafetensors({ files: [file] })
  if (tensors.size !== parts.length) throw new Error(`${file} is no twin`)
  return parts.map(({ name, dtype, shape }) => {
    const found = tensors.get(name)
    if (found?.dtype !== dtype || found.shape.join() !== shape.join()) throw new Error(`${file} is no twin`)
    return found
  })
}
