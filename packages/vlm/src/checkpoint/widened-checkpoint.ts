/**
 * A twin of a checkpoint in another type, made once and kept. The CPU runtime maps float32 weights from the file as they
 * are, but would copy 16-bit ones to memory in every process; a GPU computes with 16 bits of the one kind that was asked
 * for, and WebGPU has no bfloat16, in which most checkpoints are published.
 */
import { bytesPerValue, weightSource, writeSafetensors, type FloatType } from '@evolmm/safetensors'
import { canonicalNames } from './checkpoint-model'
import { openFiles, type StoredModel, type CheckpointTensor } from './open-checkpoint'
import { aligned, openTwin, page, type TwinOptions } from './twin-file'

export interface WidenedCheckpointOptions extends TwinOptions {
  /** Type of the weights. @default 'float32' */
  dtype?: FloatType
}

/**
 * The checkpoint itself if all of it is of that type, or else its twin, written if need be. Vectors (norms, biases) may be
 * float32 beside 16-bit matrices. Throws what `openTwin` does.
 */
export async function widenedCheckpoint(
  checkpoint: StoredModel,
  { dtype = 'float32', ...options }: WidenedCheckpointOptions = {},
): Promise<StoredModel> {
  const tensors = [...checkpoint.tensors.values()]
  if (isOf(dtype, tensors)) return checkpoint
  const weights = new Map(tensors.map(({ name, shape }) => [name, shape]))
  const sized = tensors.map((tensor) => ({
    tensor,
    bytes: tensor.shape.reduce((size, dim) => size * dim, bytesPerValue[dtype]),
  }))
  return openTwin({
    ...options,
    kind: `evolmm widened weights, version 1${dtype === 'float32' ? '' : `\n${dtype}`}`,
    noun: `the weights as ${dtype}`,
    tensors,
    bytes: sized.reduce((sum, { bytes }) => sum + bytes, 0),
    open: async (file) => {
      const twin = await openFiles(file, [file], { weights, names: canonicalNames })
      if ([...twin.tensors.values()].some((tensor) => tensor.dtype !== dtype))
        throw new Error(`${file} is no twin`)
      return twin
    },
    write: (file) =>
      writeSafetensors(
        file,
        aligned(sized).map(({ tensor }) => weightSource(tensor)),
        { alignment: page, dtype },
      ),
  })
}

function isOf(wanted: FloatType, tensors: readonly CheckpointTensor[]): boolean {
  return tensors.every(({ dtype, shape }) => dtype === wanted || (dtype === 'float32' && shape.length < 2))
}
