/** The part of learning a reward model in a run on disk: its data, the loop, and the report at the end. */
import { join } from 'node:path'
import { jsonText } from '@evolmm/internal'
import { removeLeftovers, replaceFile, unwritable } from '@evolmm/internal/node'
import type { OpenContext, OpenMethod } from '@evolmm/runs'
import { optionsOf, resolve } from '@evolmm/settings'
import {
  batchPlaces,
  learningSettings,
  savedState,
  stateFrom,
  supervise,
  withValueHead,
  type SftRecord,
} from '@evolmm/sft'
import { runtimeVersion, type Adapter, type Vlm } from '@evolmm/vlm'
import { EvolmmError } from '../errors'
import { openQuestions } from '../open-questions'
import { policyOf, type PartModel } from '../parts/part-model'
import { policyDigest } from '../policy'
import { countProgress } from '../progress'
import { exampleAt } from './examples'
import { labelledData, type LabelledData, type PrmProgress } from './labelled-data'
import { rewardReport } from './report'
import { scoreHeldOut } from './score-held-out'
import type { prmSettings, PrmSettings } from './settings'

/** What learning a reward model asks of a model. */
export type PrmModel = PartModel &
  Pick<Vlm, 'group' | 'gradient' | 'createAdapter' | 'addValueHead' | 'meanEmbedding' | 'saveAdapter'>

export interface OpenPrmOptions {
  openModel: () => Promise<PrmModel>
  onProgress: (progress: PrmProgress) => void
}

/** Data is made when the first step asks for it, so that a signal ends that too. */
export async function openPrm(
  { settings, from, signal, defer }: OpenContext<(typeof prmSettings)['rows']>,
  { openModel, onProgress }: OpenPrmOptions,
): Promise<OpenMethod<SftRecord>> {
  const folder = prmFolder(settings)
  const questions = await openQuestions(settings.data)
  defer(() => questions.close())
  const vlm = await openModel()
  defer(() => vlm.dispose())
  const completer = await policyOf(vlm, settings)
  const reward = await rewardFrom(vlm, completer, settings)
  let opened: LabelledData | undefined
  defer(() => opened?.close())
  const data = async () =>
    (opened ??= await labelledData({ vlm, completer, settings, questions, folder, signal, onProgress }))
  const learning = supervise({
    ...{ vlm, adapter: reward, settings: learningOf(settings), signal },
    batchAt: async (step) => {
      const found = await data()
      // Where a signal came first, the step is not made.
      if (found === undefined) return []
      const { rollouts, labelled, learned } = found
      const places = batchPlaces({ length: learned.length, size: settings.batch_size, seed: settings.seed })
      const sources = { rollouts, labelled, questions, settings }
      return Promise.all(places(step).map((place) => exampleAt(sources, learned[place])))
    },
    state: from && stateFrom(from, reward.parameters.length),
  })
  return {
    records: learning,
    state: () => savedState(learning.state),
    // The parameters and both moments.
    checkpointBytes: 12 * reward.parameters.length,
    facts: { questions: questions.length },
    versions: { onnxruntime: runtimeVersion() },
    finish: async () => {
      for (const beginning of ['model.', 'report.json.'])
        await removeLeftovers(folder, beginning).catch(unwritable(folder))
      await vlm.saveAdapter(join(folder, 'model'), reward, { overwrite: true })
      const found = await data()
      if (found === undefined) return
      const { rollouts, labelled, heldOut: lines } = found
      const judged = await scoreHeldOut({
        ...{ vlm, reward, lines, sources: { rollouts, labelled, questions, settings } },
        file: join(folder, 'held_out.jsonl'),
        head: { reward: policyDigest({ vlm, policy: reward }), questions: lines.length },
        progress: countProgress(lines.length, (counts) => {
          onProgress({ phase: 'score', ...counts })
        }),
      })
      await replaceFile(join(folder, 'report.json'), jsonText(rewardReport(judged)))
    },
  }
}

/** The folder of a reward model within that of a run. */
export function prmFolder({ output_dir: folder }: Pick<PrmSettings, 'output_dir'>): string {
  return join(folder, 'prm')
}

/** It begins as the completer is, or as a new adapter. */
async function rewardFrom(
  vlm: PrmModel,
  completer: Adapter | undefined,
  settings: PrmSettings,
): Promise<Adapter> {
  if (completer?.trainable.vision === true)
    throw new EvolmmError(
      'INVALID_OPTION',
      'adapter: must leave the vision tower as it is, got one that changes it; pass another completer',
      { details: { option: 'adapter' } },
    )
  const start =
    completer ??
    vlm.createAdapter({
      rank: settings.lora_r,
      alpha: settings.lora_alpha,
      dropout: settings.lora_dropout,
      ...optionsOf({ targets: settings.lora_targets }),
      vision: false,
      seed: settings.seed,
    })
  return withValueHead(vlm, start)
}

function learningOf(settings: PrmSettings) {
  const names = Object.keys(learningSettings.rows) as (keyof typeof learningSettings.rows)[]
  return resolve(learningSettings, Object.fromEntries(names.map((name) => [name, settings[name]])))
}
