/** The settings that what is learned depends on: a run that goes on must have the same. */
import { settingGroups, type TrainConfig, type TrainSetting } from './train-settings'

/** These change what is written down, how fast, or how long, and no draw and no update. */
const harmless = new Set<TrainSetting>([
  ...(['data_dir', 'manifest', 'image_cache', 'device', 'threads', 'cache_dir', 'device_map'] as const),
  ...(['run_name', 'output_dir', 'total_steps', 'resume', 'save_every', 'max_checkpoints'] as const),
  ...(['clear_cache_every', 'gradient_checkpointing', 'stop_on_collapse', 'adapter_layout'] as const),
  'memory_limit',
  ...settingGroups.flatMap(({ title, names }) => (['Probe', 'Tracking'].includes(title) ? names : [])),
])

/** In the order of the table; `total_steps` counts where the learning rate depends on it. */
export function identityOf(config: Readonly<TrainConfig>): Partial<TrainConfig> {
  const names = settingGroups
    .flatMap((group) => group.names)
    .filter((name) => !harmless.has(name) || (name === 'total_steps' && config.lr_scheduler !== 'constant'))
    // Runs from before there was such a setting go on.
    .filter((name) => name !== 'quantize' || config.quantize !== 'none')
  return Object.fromEntries(names.map((name) => [name, config[name]]))
}
