/** What the loop is given besides its settings. */
import type { ImageDataset } from '@evolmm/dataset'
import type { WarningListener } from '@evolmm/internal/node'
import type { ProcessGroup } from '@evolmm/rl-core'
import type { Learner, Sampler } from '@evolmm/vlm'
import type { Role } from './role'
import type { EvolmmSettings } from './settings/settings'
import type { TrainerState } from './state'

/** The backbone of each role, which is the same object when they share it, and the rest. */
export interface EvolveOptions extends Record<Role, Sampler & Learner> {
  images: Pick<ImageDataset, 'sampleAt'>
  /** What the run goes on from; it is moved forward in place, a whole iteration at a time. */
  state: TrainerState
  /** The settings as `resolve(evolmmSettings, given)` returns them; models, adapters and images are what is given here. */
  settings: EvolmmSettings
  /** The processes that train together, each with models and a state of its own. @default this one alone */
  group?: ProcessGroup | undefined
  /** Ends the run before the next iteration is counted; what was begun is forgotten. */
  signal?: AbortSignal | undefined
  /** Hears of what does not stop the run: an image that cannot be decoded. @default a Node process warning */
  onWarning?: WarningListener | undefined
}
