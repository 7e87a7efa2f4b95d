/** Every draw is a function of its place, so a resumed run draws what an unbroken one does. */
import type { Role } from './role'

const numbers: Readonly<Record<Role, number>> = { proposer: 1, solver: 2 }

/** The parts of a seed for `vlm.sample` and `vlm.gradient`. */
export function roleSeed(seed: number, step: number, role: Role, index: number): number[] {
  return [seed, step, numbers[role], index]
}
