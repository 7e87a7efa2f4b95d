/** EvoLMM as a run on disk. The loop itself is `evolve`. */
import { checkInteger } from '@evolmm/internal'
import { run, type RunOutcome } from '@evolmm/runs'
import { resolve } from '@evolmm/settings'
import { evolmm } from './evolmm'
import { openEvolmm } from './open-evolmm'
import { evolmmSettings } from './settings/settings'
import { settingsOf } from './settings-of'
import type { TrainOptions } from './train-options'

export async function train(options: TrainOptions): Promise<RunOutcome> {
  const { probe } = options
  const settings = resolve(evolmmSettings, options.evolve ?? {})
  const { config = settingsOf(options, settings) } = options
  checkInteger('probe.every', probe?.every ?? 0, { min: 0 })
  return run(
    { ...evolmm, open: (context) => openEvolmm({ ...options, settings }, context) },
    {
      ...options,
      config,
      identity: options.identity ?? config,
      totalSteps: settings.total_steps,
      saveEvery: options.saveEvery ?? 50,
      maxCheckpoints: options.maxCheckpoints ?? 2,
      resume: options.resume ?? 'auto',
    },
  )
}
