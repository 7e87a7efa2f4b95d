/** What is told about a role's update, apart from its state. */
import { finiteMean } from '@evolmm/internal'
import type { EmaState } from '@evolmm/rl-core'
import type { GroupGradient } from './group-gradient'
import type { UpdateRecord } from './record'

/** The lessons of all processes. */
export interface Worth {
  rewards: readonly (readonly (number | null)[])[]
  advantages: readonly (readonly (number | null)[])[]
  /** The running baseline for the next iteration. */
  baseline: EmaState | null
}

/** One optimizer step. */
export interface StepTaken extends Omit<GroupGradient, 'gradient'> {
  gradientNorm: number
  skipped: boolean
}

/** Means over the steps and over the lessons. */
export function summary(taken: readonly StepTaken[], { rewards, advantages }: Worth) {
  const mean = (name: 'nll' | 'kl' | 'entropy' | 'gradientNorm') =>
    finiteMean(taken.map(({ [name]: value }) => value))
  const all = rewards.flat()
  const rewardMean = finiteMean(all)
  const variance = finiteMean(
    all.map((reward) => (reward === null ? null : (reward - (rewardMean ?? 0)) ** 2)),
  )
  return {
    completions: all.length,
    ce: mean('nll'),
    kl: mean('kl'),
    entropy: mean('entropy'),
    rewardMean,
    rewardStd: variance === null ? null : Math.sqrt(variance),
    advantageMean: finiteMean(advantages.flat()),
    gradientNorm: mean('gradientNorm'),
    skippedSteps: taken.filter(({ skipped }) => skipped).length,
  } satisfies Partial<UpdateRecord>
}

/** The largest distance to the sampler's log-probabilities, where it was measured. */
export function largestGap(taken: readonly StepTaken[]): number | null {
  const gaps = taken.flatMap(({ samplerGap }) => samplerGap ?? [])
  return gaps.length === 0 ? null : Math.max(...gaps)
}
