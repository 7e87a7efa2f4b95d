/** What all stages of the loop share. */
import type { ImageDataset } from '@evolmm/dataset'
import type { ProcessGroup } from '@evolmm/rl-core'
import type { Learner, Sampler } from '@evolmm/vlm'
import type { LoopSettings } from './loop-settings'
import type { Role } from './role'
import type { TrainerState } from './state'

export interface Loop extends Record<Role, Sampler & Learner> {
  images: Pick<ImageDataset, 'sampleAt'>
  state: TrainerState
  settings: LoopSettings
  group: ProcessGroup
  onWarning: (message: string) => void
}
