/** EvoLMM as a run on disk. The loop itself is `evolve`. */
import { join } from 'node:path'
import { checkInteger, checkObject } from '@evolmm/internal'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import { run } from '@evolmm/runs'
import { resolve } from '@evolmm/settings'
import { evolmm } from './evolmm'
import { openEvolmm } from './open-evolmm'
import { runName } from './run-name'
import { evolmmSettings } from './settings/settings'
import type { TrainOptions, TrainOutcome } from './train-options'

/**
 * The run is in the folder `run_name` of `output_dir`, and goes on from what is there. A page about it (`report`) and
 * labelled questions (`probe_data`) are for whoever has `@evolmm/report` and `@evolmm/eval`, such as the command.
 */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  checkObject('options', options)
  const { trackers, probe, depends, version, hub, signal, onRecord, onCheckpoint, ...rest } = options
  const { onWiden, onQuantize, onWarning = emitWarning, ...given } = rest
  const anonymous = resolve(evolmmSettings, given)
  checkInteger('probe.every', probe?.every ?? 0, { min: 0 })
  const name = runName(anonymous)
  const settings = resolve(evolmmSettings, { ...anonymous, run_name: name })
  const folder = join(settings.output_dir, name)
  const opening = { hub, onWiden, onQuantize, probe }
  const outcome = await run(
    { ...evolmm, open: (context) => openEvolmm(context, opening) },
    {
      ...{ folder, name, settings, depends, version, trackers, signal, onRecord, onCheckpoint },
      onWarning: once(onWarning),
    },
  )
  return { folder, ...outcome }
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
