/** What all stages of the loop share. */
import type { WarningListener } from '@evolmm/internal/node'
import type { ProcessGroup } from '@evolmm/rl-core'
import type { EvolveOptions } from './evolve-options'

export interface Loop extends Omit<EvolveOptions, 'group' | 'signal' | 'onWarning'> {
  group: ProcessGroup
  onWarning: WarningListener
}
