/** Runs of the loop on the tiny model to their end. */
import { evolve, type EvolmmGiven, type EvolveOptions, type IterationRecord } from '../../src/index'
import { textReward } from './tiny-train'

/** Settings in which noise is worth different rewards, so that there is something to learn. */
export const learnable = { reward: textReward } satisfies EvolmmGiven

export async function recordsOf(options: EvolveOptions): Promise<IterationRecord[]> {
  const records: IterationRecord[] = []
  for await (const record of evolve(options)) records.push(record)
  return records
}

/** The state without what is made of functions. */
export function plain({ state }: EvolveOptions): object {
  const role = ({ adapter, ...rest }: typeof state.solver) =>
    structuredClone({ ...rest, parameters: adapter.parameters })
  return {
    ...structuredClone({ step: state.step, watch: state.watch }),
    solver: role(state.solver),
    proposer: role(state.proposer),
  }
}
