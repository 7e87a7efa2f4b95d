/** The part of supervised learning in a run on disk: the model, what of it is trained, and the loop. */
import { shuffledOrder } from '@evolmm/dataset'
import { retainCheckpoints, type OpenContext, type OpenMethod } from '@evolmm/runs'
import { adapterArrays, runtimeVersion, type Adapter, type Vlm } from '@evolmm/vlm'
import type { SftRecord } from './record'
import { savedState, stateFrom } from './saved-state'
import type { sftSettings, SftSettings } from './settings'
import type { SftExample } from './example'
import type { TokenReader } from './step-targets'
import { supervise } from './supervise'
import { openTrained } from './trained'

/** What a run asks of a model. */
export type SftModel = Pick<
  Vlm,
  | 'encodeImage'
  | 'group'
  | 'gradient'
  | 'createAdapter'
  | 'addValueHead'
  | 'meanEmbedding'
  | 'trainWeights'
  | 'saveAdapter'
  | 'saveMerged'
  | 'dispose'
> & { tokenizer: TokenReader }

export interface OpenSftOptions {
  examples: readonly SftExample[]
  openModel: () => Promise<SftModel>
}

export async function openSft(
  { settings, from, signal, defer }: OpenContext<(typeof sftSettings)['rows']>,
  { examples, openModel }: OpenSftOptions,
): Promise<OpenMethod<SftRecord>> {
  const vlm = await openModel()
  defer(() => vlm.dispose())
  const adapter = await openAdapter(vlm, settings)
  const learning = supervise({
    ...{ vlm, adapter, settings, signal },
    batchAt: batches(examples, settings),
    state: from && stateFrom(from, adapter.parameters.length),
  })
  return {
    records: learning,
    state: () => savedState(learning.state),
    // The parameters and both moments.
    checkpointBytes: 12 * adapter.parameters.length,
    versions: { onnxruntime: runtimeVersion() },
    finish: async () => {
      const { output_dir: folder } = settings
      if (settings.use_lora) await vlm.saveAdapter(folder, adapter)
      else await vlm.saveMerged(folder, adapter)
      await retainCheckpoints(folder, 0)
    },
  }
}

async function openAdapter(vlm: SftModel, settings: SftSettings): Promise<Adapter> {
  const adapter = await openTrained(vlm, settings)
  return settings.value_head ? withValueHead(vlm, adapter) : adapter
}

/** The head begins as the mean of the embeddings, as M-STaR's reward model does. */
async function withValueHead(vlm: SftModel, adapter: Adapter): Promise<Adapter> {
  const headed = vlm.addValueHead(adapter)
  adapterArrays(headed)
    .get('score.weight')
    ?.data.set(await vlm.meanEmbedding())
  return headed
}

/** Every example comes once in each epoch, in an order of its own. */
function batches(
  examples: readonly SftExample[],
  { batch_size: size, seed }: Pick<SftSettings, 'batch_size' | 'seed'>,
): (step: number) => SftExample[] {
  let known: { epoch: number; order: Uint32Array } = { epoch: -1, order: new Uint32Array() }
  return (step) =>
    Array.from({ length: size }, (_, i) => {
      const place = step * size + i
      const epoch = Math.floor(place / examples.length)
      if (known.epoch !== epoch)
        known = { epoch, order: shuffledOrder({ length: examples.length, seed, epoch }) }
      return examples[known.order[place % examples.length]]
    })
}
