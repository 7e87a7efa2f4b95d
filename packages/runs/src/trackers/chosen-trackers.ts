/** Trackers that the settings of a run ask for. */
import type { RunSettings } from '../settings'
import type { WarningListener } from '@evolmm/internal/node'
import { tensorboard } from './tensorboard'
import type { Tracker } from './tracker'
import { wandb } from './wandb'

type TrackingSettings = Pick<
  RunSettings,
  'tensorboard' | 'wandb_mode' | 'wandb_project' | 'wandb_entity' | 'wandb_log_images_every'
>

/** Throws `WANDB_KEY_MISSING` where an upload is asked for and nobody says whose. */
export function chosenTrackers(settings: TrackingSettings, onWarning: WarningListener): Tracker[] {
  const { wandb_log_images_every: imagesEvery, wandb_mode: mode } = settings
  return [
    ...(settings.tensorboard ? [tensorboard({ imagesEvery })] : []),
    ...(mode === 'disabled'
      ? []
      : [
          wandb({
            ...{ mode, project: settings.wandb_project, imagesEvery, onWarning },
            ...(settings.wandb_entity !== null && { entity: settings.wandb_entity }),
          }),
        ]),
  ]
}
