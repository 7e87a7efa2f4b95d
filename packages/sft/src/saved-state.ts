/** The state of a run as a checkpoint holds it, and back. */
import { invalidCheckpoint, tensorOf, type Checkpoint, type SavedState } from '@evolmm/runs'
import type { SftState } from './sft-steps'

export function savedState({ parameters, optimizer: { step, first, second } }: SftState): SavedState {
  return { data: { optimizer_step: step }, tensors: { parameters, first, second } }
}

/** Throws `INVALID_CHECKPOINT`. `size` is the number of values that are trained. */
export function stateFrom(from: Checkpoint, size: number): SftState {
  const { optimizer_step: step } = from.data
  if (typeof step !== 'number' || !Number.isSafeInteger(step) || step < 0)
    throw invalidCheckpoint(from, 'say how often its optimizer stepped', JSON.stringify(step))
  const [parameters, first] = ['parameters', 'first'].map((name) => tensorOf(from, name, { length: size }))
  const second = tensorOf(from, 'second', { length: size, min: 0 })
  return { step: from.step, parameters, optimizer: { step, first, second } }
}
