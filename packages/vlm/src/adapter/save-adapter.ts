/** A LoRA adapter into a folder that PEFT loads. */
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import { loraA, loraB } from '../programs/trainable'
import type { Adapter } from './adapter'
import { parameterView } from './parameter-view'
import type { LoraTensors } from './read-peft'
import { writeValueHead } from './value-head'
import { writePeft, type WritePeftOptions } from './write-peft'

export type SaveAdapterOptions = Omit<WritePeftOptions, 'tensors' | 'model' | 'dropout' | 'more'>

/**
 * Writes the folder, whole or not at all, a value head in a file of its own. Throws `WOULD_OVERWRITE`, `UNWRITABLE_FILE`, or `INVALID_ADAPTER` for an
 * adapter that is not the model's or holds weights trained as a whole: those are saved as a checkpoint, with
 * `mergeAdapter` and `writeCheckpoint`.
 */
export async function saveAdapter(
  folder: string,
  adapter: Adapter,
  backbone: Backbone,
  options: SaveAdapterOptions,
): Promise<void> {
  const { lora, full } = adapter.trainable
  if (full.size > 0)
    throw new EvolmmError(
      'INVALID_ADAPTER',
      `adapter: must be LoRA alone to be saved as an adapter, got ${full.size} weights trained as a whole; save it merged, as a checkpoint`,
      { details: { full: full.size } },
    )
  const tensors = new Map<string, LoraTensors>()
  for (const [module, { rank, alpha }] of lora) {
    const [A, B] = [loraA(module), loraB(module)].map((name) => parameterView(adapter, name))
    const [inputSize, outputSize] = [A.length / rank, B.length / rank]
    tensors.set(module, { A, B, rank, alpha, inputSize, outputSize })
  }
  await writePeft(folder, {
    ...{ ...options, tensors, model: backbone, dropout: adapter.dropout },
    more: (home) => writeValueHead(home, adapter, options.dtype ?? 'float32'),
  })
}
