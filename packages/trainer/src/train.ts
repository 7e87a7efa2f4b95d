/** EvoLMM as a run on disk. The loop itself is `evolve`. */
import { join } from 'node:path'
import { checkFunction, checkInteger, checkNames, checkObject } from '@evolmm/internal'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import { run } from '@evolmm/runs'
import { resolve } from '@evolmm/settings'
import { evolmm } from './evolmm'
import { openEvolmm } from './open-evolmm'
import { runName } from './run-name'
import { evolmmSettings } from './settings/settings'
import type { Probe, TrainOptions, TrainOutcome } from './train-options'

/**
 * The run is in the folder `run_name` of `output_dir`, and goes on from what is there. A page about it (`report`) and
 * labelled questions (`probe_data`) are for whoever has `@evolmm/report` and `@evolmm/eval`, such as the command.
 */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  checkObject('options', options)
  const { trackers, probe, depends, version, hub, signal, onRecord, onCheckpoint, ...rest } = options
  const { onWiden, onQuantize, onWarning = emitWarning, ...given } = rest
  if (probe !== undefined) checkProbe(probe)
  const anonymous = resolve(evolmmSettings, given)
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

function checkProbe(probe: Probe): void {
  checkNames('probe', probe, { every: true, run: true })
  checkInteger('probe.every', probe.every, { min: 0 })
  checkFunction('probe.run', probe.run)
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
