/** Trackers follow a run besides its log. */
import { tensorboard, wandb, type Tracker, type WarningListener } from '@evolmm/runs'
import type { EvolmmSettings } from '@evolmm/trainer'

/** Throws `WANDB_KEY_MISSING` where an upload is asked for and nobody says whose. */
export function chooseTrackers(config: EvolmmSettings, onWarning: WarningListener): Tracker[] {
  const { wandb_log_images_every: imagesEvery, wandb_mode: mode } = config
  return [
    ...(config.tensorboard ? [tensorboard({ imagesEvery })] : []),
    ...(mode === 'disabled'
      ? []
      : [
          wandb({
            mode,
            project: config.wandb_project,
            ...(config.wandb_entity !== null && { entity: config.wandb_entity }),
            imagesEvery,
            onWarning,
          }),
        ]),
  ]
}
