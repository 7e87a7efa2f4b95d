/** Group-wise scoring of a solver batch, in the batch's own order. */
import { nonEmpty } from '../answer'
import { groupStatistics, type VoteOptions, type GroupStatistics } from '../group-statistics'
import type { SolverSample } from './reward'

/** `score(sample, statistics of its group and the count of its answer there)` for each sample. */
export function byGroup(
  batch: readonly SolverSample[],
  options: VoteOptions,
  score: (sample: SolverSample, group: GroupStatistics & { count: number }) => number,
): number[] {
  const members = new Map<SolverSample['group'], number[]>()
  for (const [index, { group }] of batch.entries()) {
    const indices = members.get(group)
    if (indices === undefined) members.set(group, [index])
    else indices.push(index)
  }
  const scores = new Array<number>(batch.length)
  for (const indices of members.values()) {
    const answers = indices.map((index) => batch[index].answer)
    const statistics = groupStatistics(answers, options)
    const counts = new Map(statistics.histogram.map(({ answer, count }) => [answer, count]))
    for (const index of indices) {
      const count = counts.get(nonEmpty(batch[index].answer)) ?? 0
      scores[index] = score(batch[index], { ...statistics, count })
    }
  }
  return scores
}
