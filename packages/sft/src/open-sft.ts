/** The part of supervised learning in a run on disk: the model, what of it is trained, and the loop. */
import { retainCheckpoints, type OpenContext, type OpenMethod } from '@evolmm/runs'
import { runtimeVersion, type Adapter, type Vlm } from '@evolmm/vlm'
import { batchPlaces } from './batch-places'
import type { SftRecord } from './record'
import { savedState, stateFrom } from './saved-state'
import type { sftSettings, SftSettings } from './settings'
import type { SftExample } from './example'
import type { TokenReader } from './step-targets'
import { supervise } from './supervise'
import { openTrained } from './trained'
import { withValueHead } from './with-value-head'

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
  const { batch_size: size, seed } = settings
  const places = batchPlaces({ length: examples.length, size, seed })
  const learning = supervise({
    ...{ vlm, adapter, settings, signal },
    batchAt: (step) => places(step).map((place) => examples[place]),
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
