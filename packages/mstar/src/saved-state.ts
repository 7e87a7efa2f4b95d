/** The state of a run as a checkpoint holds it, and back. */
import { invalidCheckpoint, tensorOf, type Checkpoint, type SavedState } from '@evolmm/runs'
import type { MstarState } from './cycles'

export function savedState(state: MstarState, parameters: Float32Array): SavedState {
  const { cycle, cycleStep, temperature, alpha, writer, optimizer } = state
  const { step, first, second } = optimizer
  return {
    data: { optimizer_step: step, cycle, cycle_step: cycleStep, temperature, alpha, writer },
    tensors: { parameters, first, second },
  }
}

/** Throws `INVALID_CHECKPOINT`. `size` is the number of values that are trained. */
export function stateFrom(from: Checkpoint, size: number): { state: MstarState; parameters: Float32Array } {
  const count = (name: string): number => {
    const value = from.data[name]
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw invalidCheckpoint(from, `have a count ${name}`, JSON.stringify(value))
  }
  const { temperature, alpha = null, writer } = from.data
  if (typeof temperature !== 'number' || !Number.isFinite(temperature) || temperature < 0)
    throw invalidCheckpoint(from, 'have a temperature', JSON.stringify(temperature))
  if (alpha !== null && (typeof alpha !== 'number' || !Number.isFinite(alpha)))
    throw invalidCheckpoint(from, 'have a threshold or none', JSON.stringify(alpha))
  if (typeof writer !== 'string')
    throw invalidCheckpoint(from, 'say what wrote its answers', JSON.stringify(writer))
  const [parameters, first] = ['parameters', 'first'].map((name) => tensorOf(from, name, { length: size }))
  const second = tensorOf(from, 'second', { length: size, min: 0 })
  return {
    parameters,
    state: {
      step: from.step,
      ...{ cycle: count('cycle'), cycleStep: count('cycle_step'), temperature, alpha, writer },
      optimizer: { step: count('optimizer_step'), first, second },
    },
  }
}
