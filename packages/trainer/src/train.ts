/** EvoLMM as a run on disk. The loop itself is `evolve`. */
import { join } from 'node:path'
import { checkInteger } from '@evolmm/internal'
import { emitWarning, run, type WarningListener } from '@evolmm/runs'
import { identityOf, resolve, settingsData, storedIdentity } from '@evolmm/settings'
import { evolmm } from './evolmm'
import { formerIdentity } from './former-identity'
import { openEvolmm } from './open-evolmm'
import { runName } from './run-name'
import { evolmmSettings } from './settings/settings'
import { settingsTrackers } from './settings-trackers'
import type { TrainOptions, TrainOutcome } from './train-options'

/**
 * The run is in the folder `run_name` of `output_dir`, and goes on from what is there. A page about it (`report`) and
 * labelled questions (`probe_data`) are for whoever has `@evolmm/report` and `@evolmm/eval`, such as the command.
 */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  const { trackers = [], probe, depends, version, hub, signal, onRecord, onCheckpoint, ...rest } = options
  const { onWiden, onQuantize, onWarning = emitWarning, ...given } = rest
  const settings = resolve(evolmmSettings, given)
  checkInteger('probe.every', probe?.every ?? 0, { min: 0 })
  const name = runName(settings)
  const folder = join(settings.output_dir, name)
  const warn = once(onWarning)
  const loading = { hub: { ...hub, signal }, onWiden, onQuantize }
  const identity = { ...identityOf(evolmmSettings, settings), ...depends }
  const outcome = await run(
    { ...evolmm, open: (context) => openEvolmm(settings, { ...loading, probe }, context) },
    {
      folder,
      name,
      config: { ...settingsData(evolmmSettings, settings), run_name: name, ...depends },
      identity,
      readIdentity: (stored) => storedIdentity(evolmmSettings, formerIdentity(stored, identity)),
      totalSteps: settings.total_steps,
      saveEvery: settings.save_every,
      maxCheckpoints: settings.max_checkpoints,
      resume: resumeFrom(settings.resume),
      version,
      trackers: [...trackers, ...settingsTrackers(settings, warn)],
      signal,
      onRecord,
      onCheckpoint,
      onWarning: warn,
    },
  )
  return { folder, ...outcome }
}

function resumeFrom(resume: string): 'auto' | 'never' | { checkpoint: string } {
  return resume === 'auto' || resume === 'never' ? resume : { checkpoint: resume }
}

/** Hears each warning once, since both roles have the same to say of one model. */
function once(onWarning: WarningListener): WarningListener {
  const heard = new Set<string>()
  return (message, code) => {
    if (heard.has(message)) return
    heard.add(message)
    onWarning(message, code)
  }
}
