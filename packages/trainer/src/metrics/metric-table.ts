/**
 * The numbers of an iteration, by the names of the released code and by those of TRL. A new number is one row, and
 * nothing else. Rewards, lengths and votes are those of the answers of all images of the iteration; an image whose
 * question was rejected has none. `clip_ratio/...` of TRL has no meaning here, since no ratio is clipped.
 */
import type { Metric } from '@evolmm/runs'
import { phaseNames, phases } from '../record/phases'
import type { IterationRecord } from '../record/record'
import { updateMetrics } from '../record/update-fields'
import { roles } from '../role'
import { lengthMetrics } from './lengths'
import { questionMetrics } from './questions'
import { rewardMetrics } from './rewards'
import { voteMetrics } from './votes'
import { watchMetrics } from './watch'

/** The rows are in the order of the status line and of the report's charts. */
export const evolmmMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'train/step',
    aliases: ['train/global_step'],
    meaning: 'iterations done',
    read: ({ step }) => step,
  },
  { name: 'epoch', meaning: 'pass over the images, from 0', read: ({ images }) => images.at(-1)?.epoch },
  ...rewardMetrics,
  ...voteMetrics,
  ...roles.flatMap((role) => updateMetrics<IterationRecord>(role)),
  ...questionMetrics,
  ...lengthMetrics,
  ...watchMetrics,
  { name: 'seconds/total', meaning: 'wall time', read: ({ seconds }) => seconds.total },
  ...phaseNames.map((phase): Metric<IterationRecord> => ({
    name: `seconds/${phase}`,
    meaning: phases[phase].meaning,
    read: ({ seconds }) => seconds[phase],
  })),
]
