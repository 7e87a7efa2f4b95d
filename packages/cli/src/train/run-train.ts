/** A resolved configuration as a run of `@evolmm/trainer`. */
import { join } from 'node:path'
import { writeReport } from '@evolmm/report'
import { statusLine } from '@evolmm/runs'
import { identityOf, isDefault, settingsData, storedIdentity } from '@evolmm/settings'
import { evolmm, evolmmSettings, heldWeights, train, type EvolmmSettings } from '@evolmm/trainer'
import type { TrainHooks, TrainOutcome } from '../library'
import { checkRun } from './check-run'
import { chooseProbe } from './choose-probe'
import { chooseTrackers } from './choose-trackers'
import { roleOptions } from './run-options'
import { runName } from './run-name'

export async function runTrain(config: EvolmmSettings, hooks: TrainHooks): Promise<TrainOutcome> {
  const name = runName(config)
  const folder = join(config.output_dir, name)
  const { signal, onRecord, onWarning, hub, onWiden, onQuantize, status, version = null } = hooks
  const hubOptions = { ...hub, ...(config.revision !== null && { revision: config.revision }) }
  // Before weights are fetched or read for nothing.
  await checkRun(config, { hub: { ...hubOptions, signal } })
  const probe = await chooseProbe(config)
  const line = status && statusLine({ output: status })
  // Of the released targets one is a module of other models.
  const released = isDefault(evolmmSettings, config, 'lora_targets')
  const warned = new Set(
    released ? ['targets: "mm_projector" matches nothing in the model; it is left out'] : [],
  )
  const warn = (message: string) => {
    // Both roles have the same to say of one model.
    if (warned.has(message)) return
    warned.add(message)
    line?.clear()
    onWarning?.(message)
  }
  const outcome = await train({
    folder,
    name,
    solver: roleOptions(config, 'solver'),
    proposer: roleOptions(config, 'proposer'),
    load: {
      device: config.device,
      ...heldWeights(config),
      hub: { ...hubOptions, signal },
      memoryLimit: config.memory_limit ?? undefined,
      threads: config.threads ?? undefined,
      cacheDir: config.cache_dir ?? undefined,
      minPixels: config.min_pixels ?? undefined,
      maxPixels: config.max_pixels ?? undefined,
      onWiden,
      onQuantize,
      onWarning: warn,
    },
    data: {
      root: config.data_dir,
      includeSubfolders: config.include_subfolders ?? undefined,
      seed: config.seed,
      reshuffle: config.reshuffle,
      manifest: config.manifest ?? undefined,
    },
    evolve: config,
    saveEvery: config.save_every,
    maxCheckpoints: config.max_checkpoints,
    adapterLayout: config.adapter_layout,
    resume:
      config.resume === 'auto' || config.resume === 'never' ? config.resume : { checkpoint: config.resume },
    config: { ...settingsData(evolmmSettings, config), run_name: name },
    identity: identityOf(evolmmSettings, config),
    readIdentity: (stored) => storedIdentity(evolmmSettings, stored),
    version,
    trackers: [...(line ? [line] : []), ...chooseTrackers(config, warn)],
    ...(probe && { probe }),
    ...(signal && { signal }),
    ...(onRecord && { onRecord }),
    onWarning: warn,
  })
  // A page can be made again; what was learned is safe.
  if (config.report && outcome.step > 0)
    await writeReport({ folder, kind: evolmm }).catch((error: unknown) => {
      warn(
        `report: ${error instanceof Error ? error.message : String(error)}; evolmm report ${folder} makes it`,
      )
    })
  return { folder, ...outcome }
}
