/** Where a run is followed, besides its log. */
import { tensorboard, type Tracker, type TrainConfig } from '@evolmm/trainer'

export function chooseTrackers(config: TrainConfig): Tracker[] {
  return config.tensorboard ? [tensorboard({ imagesEvery: config.wandb_log_images_every })] : []
}
