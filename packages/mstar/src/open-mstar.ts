/** M-STaR's part of a run on disk: models, questions, the state, and the loop over it. */
import { join } from 'node:path'
import { removeLeftovers, unwritable } from '@evolmm/internal/node'
import type { OpenContext, OpenMethod } from '@evolmm/runs'
import { AdamW } from '@evolmm/rl-core'
import { openTrained } from '@evolmm/sft'
import { runtimeVersion, type Adapter, type Vlm } from '@evolmm/vlm'
import { cycles } from './cycles'
import type { Models } from './policy'
import { openQuestions, withoutAnswers } from './open-questions'
import type { ProgressListener } from './progress'
import type { MstarRecord } from './record'
import { savedState, stateFrom } from './saved-state'
import type { StepScorer } from './score-steps'
import type { mstarSettings } from './settings'

/** What a run asks of a model. */
export type MstarModel = Pick<
  Vlm,
  'group' | 'gradient' | 'createAdapter' | 'trainWeights' | 'saveAdapter' | 'saveMerged' | 'dispose'
> &
  Models['vlm'] & {
    loadAdapter: (idOrFolder: string, options: { adapterName?: string | undefined }) => Promise<Adapter>
  }

export interface OpenMstarOptions {
  openModel: () => Promise<MstarModel>
  scoreSteps?: StepScorer | undefined
  onProgress?: ProgressListener | undefined
}

export async function openMstar(
  { settings, from, signal, defer }: OpenContext<(typeof mstarSettings)['rows']>,
  { openModel, scoreSteps: stepScorer, onProgress }: OpenMstarOptions,
): Promise<OpenMethod<MstarRecord>> {
  const { output_dir: folder, reward_model: scores } = settings
  const questions = await openQuestions(settings.data)
  defer(() => questions.close())
  const further = async (file: string | null) => {
    if (file === null) return undefined
    const opened = await openQuestions(file)
    defer(() => opened.close())
    return opened
  }
  const validation = await further(settings.validation)
  const unlabelled = await further(settings.unlabelled)
  const vlm = await openModel()
  defer(() => vlm.dispose())
  const policy = await openTrained(vlm, settings)
  const isAdapter = scores !== null && stepScorer === undefined
  const reward = isAdapter ? await vlm.loadAdapter(scores, {}) : undefined
  const size = policy.parameters.length
  const first = policy.parameters.slice()
  const stored = from && stateFrom(from, size)
  if (stored !== undefined) policy.parameters.set(stored.parameters)
  const loop = cycles({
    ...{
      models: { vlm, policy, reward, stepScorer },
      first,
      settings,
      questions,
      validation,
      folder,
      signal,
      onProgress,
    },
    unlabelled: unlabelled && (settings.oracle ? unlabelled : withoutAnswers(unlabelled)),
    state: stored?.state ?? {
      ...{ step: 0, cycle: 0, cycleStep: 0, temperature: settings.temperature, writer: '' },
      alpha: null,
      optimizer: new AdamW({ size }).state,
    },
  })
  return {
    records: loop,
    state: () => savedState(loop.state, policy.parameters),
    // The parameters and both moments.
    checkpointBytes: 12 * size,
    facts: { questions: questions.length },
    versions: { onnxruntime: runtimeVersion() },
    finish: async () => {
      await removeLeftovers(folder, 'model.').catch(unwritable(folder))
      const out = join(folder, 'model')
      if (settings.use_lora) await vlm.saveAdapter(out, policy, { overwrite: true })
      else await vlm.saveMerged(out, policy, { overwrite: true })
    },
  }
}
