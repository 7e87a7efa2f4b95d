/** EvoLMM as a run on disk. The loop itself is `evolve`. */
import { checkInteger } from '@evolmm/internal'
import { run, type RunOutcome } from '@evolmm/runs'
import { checkOptions } from './check-options'
import { evolmm } from './evolmm'
import { openEvolmm } from './open-evolmm'
import { settingsOf } from './settings-of'
import type { TrainOptions } from './train-options'

export async function train(options: TrainOptions): Promise<RunOutcome> {
  const { evolve = {}, config = settingsOf(options), probe } = options
  checkOptions(evolve)
  checkInteger('probe.every', probe?.every ?? 0, { min: 0 })
  return run(
    { ...evolmm, open: (context) => openEvolmm(options, context) },
    {
      ...options,
      config,
      identity: options.identity ?? config,
      totalSteps: evolve.totalSteps ?? 100,
      saveEvery: options.saveEvery ?? 50,
      maxCheckpoints: options.maxCheckpoints ?? 2,
      resume: options.resume ?? 'auto',
    },
  )
}
