/**
 * The numbers of an iteration, by the names of the released code and by those of TRL. A new number is one row, and
 * nothing else: here or in a table of this folder where it is read off what a record has, in a table of fields or phases
 * in `record/` where it must be measured first. Rewards, lengths and votes are those of the answers of all images of the iteration; an image whose
 * question was rejected has none. `clip_ratio/...` of TRL has no meaning here, since no ratio is clipped.
 */
import { knownMean } from '@evolmm/internal'
import type { Metric } from '@evolmm/runs'
import { answerFields } from '../record/answer-fields'
import { fieldMetrics } from '../record/field'
import { phaseNames, phases } from '../record/phases'
import { questionFields } from '../record/question-fields'
import type { IterationRecord } from '../record/record'
import { updateMetrics } from '../record/update-fields'
import { voteFields } from '../record/vote-fields'
import { roles } from '../role'
import { answersOf, askedImages, share, sum } from './means'
import { questionMetrics } from './questions'
import { rewardMetrics } from './rewards'
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
  ...fieldMetrics<IterationRecord>(answerFields, answersOf),
  ...rewardMetrics,
  {
    name: 'train/num_solver_samples',
    meaning: 'answers to a question',
    read: (record) => knownMean(askedImages(record).map(({ answers }) => answers.length)),
  },
  ...fieldMetrics<IterationRecord>(voteFields, askedImages),
  ...roles.flatMap((role) => updateMetrics<IterationRecord>(role)),
  ...fieldMetrics<IterationRecord>(questionFields, ({ images }) => images),
  ...questionMetrics,
  {
    name: 'completions/clipped_ratio',
    meaning: 'share of answers that were cut at the limit',
    read: (record) => share(answersOf(record), ({ finishReason }) => finishReason === 'length'),
  },
  {
    name: 'num_tokens',
    meaning: 'tokens that both roles wrote in this iteration (TRL adds them up over the run)',
    read: (record) =>
      sum(answersOf(record).map(({ tokens }) => tokens)) +
      sum(record.images.map(({ proposerTokens }) => proposerTokens)),
  },
  ...watchMetrics,
  { name: 'seconds/total', meaning: 'wall time', read: ({ seconds }) => seconds.total },
  ...phaseNames.map((phase): Metric<IterationRecord> => ({
    name: `seconds/${phase}`,
    meaning: phases[phase].meaning,
    read: ({ seconds }) => seconds[phase],
  })),
]
