/**
 * A float32 twin of a 16-bit checkpoint, made once and kept. The CPU runtime maps float32 weights from the file as
 * they are, but would copy 16-bit ones to memory in every process.
 */
import { openFiles, type Checkpoint } from './open-checkpoint'
import { weightSource } from './read-tensor'
import { aligned, openTwin, page, type TwinOptions } from './twin-file'
import { writeSafetensors } from './write-safetensors'

/** The checkpoint itself if all of it is float32, or else its twin, written if need be. Throws what `openTwin` does. */
export async function widenedCheckpoint(
  checkpoint: Checkpoint,
  options: TwinOptions = {},
): Promise<Checkpoint> {
  const tensors = [...checkpoint.tensors.values()]
  if (tensors.every(({ dtype }) => dtype === 'float32')) return checkpoint
  const expected = new Map(tensors.map(({ name, shape }) => [name, shape]))
  const sized = tensors.map((tensor) => ({
    tensor,
    bytes: tensor.shape.reduce((size, dim) => size * dim, 4),
  }))
  return openTwin({
    ...options,
    kind: 'evolmm widened weights, version 1',
    noun: 'the weights as float32',
    tensors,
    bytes: sized.reduce((sum, { bytes }) => sum + bytes, 0),
    open: async (file) => {
      const twin = await openFiles(file, [file], expected)
      if ([...twin.tensors.values()].some(({ dtype }) => dtype !== 'float32'))
        throw new Error(`${file} is no twin`)
      return twin
    },
    write: (file) =>
      writeSafetensors(
        file,
        aligned(sized).map(({ tensor }) => weightSource(tensor)),
        { alignment: page },
      ),
  })
}
