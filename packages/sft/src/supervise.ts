/**
 * Supervised learning on labelled images: how a model gets to where it can improve itself.
 *
 * Each example has images with any number of questions, packed into one sequence in which every question sees the images
 * and itself. One step is one gradient over a batch of examples and one step of AdamW. What a step sees depends on its
 * number alone, so a loop that goes on from a saved state makes the very same steps.
 */
import { checkFunction, checkNames } from '@evolmm/internal'
import type { SftExample } from './example'
import type { SftRecord } from './record'
import { sftSteps, stepNames, type SftState, type SftStepsOptions } from './sft-steps'

export interface SuperviseOptions extends SftStepsOptions {
  /** The examples of a step, counted from 0; the same for the same step. */
  batchAt: (step: number) => readonly SftExample[] | Promise<readonly SftExample[]>
}

/** One record for each step that is left. */
export interface Supervised extends AsyncIterable<SftRecord> {
  /** The state after the latest record. The arrays are the live ones, for saving without a copy; `structuredClone` keeps them. */
  readonly state: SftState
}

export function supervise(options: SuperviseOptions): Supervised {
  checkNames('supervise', options, { ...stepNames, batchAt: true })
  const { batchAt, ...rest } = options
  checkFunction('batchAt', batchAt)
  const steps = sftSteps(rest)
  const { settings, signal } = rest
  return {
    get state() {
      return steps.state
    },
    async *[Symbol.asyncIterator]() {
      while (steps.state.step < settings.total_steps && signal?.aborted !== true) {
        const record = await steps.next(await batchAt(steps.state.step))
        if (record === undefined) return
        yield record
      }
    },
  }
}
