/** The trackers that the settings choose. */
import { tensorboard, wandb, type Tracker, type WarningListener } from '@evolmm/runs'
import type { EvolmmSettings } from './settings/settings'

/** Throws `WANDB_KEY_MISSING` where an upload is asked for and nobody says whose. */
export function settingsTrackers(settings: EvolmmSettings, onWarning: WarningListener): Tracker[] {
  const { wandb_log_images_every: imagesEvery, wandb_mode: mode } = settings
  return [
    ...(settings.tensorboard ? [tensorboard({ imagesEvery })] : []),
    ...(mode === 'disabled'
      ? []
      : [
          wandb({
            mode,
            project: settings.wandb_project,
            ...(settings.wandb_entity !== null && { entity: settings.wandb_entity }),
            imagesEvery,
            onWarning,
          }),
        ]),
  ]
}
