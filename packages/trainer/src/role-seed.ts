/** Every draw is a function of its place, so a resumed run draws what an unbroken one does. */
export type Role = 'proposer' | 'solver'

const numbers = { proposer: 1, solver: 2 } as const

/** The parts of a seed for `vlm.sample` and `vlm.gradient`. */
export function roleSeed(seed: number, step: number, role: Role, index: number): number[] {
  return [seed, step, numbers[role], index]
}
