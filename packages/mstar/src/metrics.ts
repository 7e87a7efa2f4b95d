/** The numbers of M-STaR: a row for each. */
import type { Metric } from '@evolmm/runs'
import { learningMetrics } from '@evolmm/sft'
import type { DynamicsRecord, MstarRecord } from './record'

/** Sections of the page's curves, in their order. */
export const panels = {
  validation: {
    title: 'Validation',
    lead: 'What the policy does on questions that it does not learn from, after each cycle.',
  },
  answers: { title: 'Answers', lead: 'What was generated for each cycle, and what of it is learned.' },
  learning: { title: 'Learning', lead: 'The steps of the optimizer.' },
} as const

/** A share of validation questions, or of their answers. */
function share(
  name: string,
  meaning: string,
  read: (dynamics: DynamicsRecord) => number | null | undefined,
  shown: Omit<Partial<Metric<MstarRecord>>, 'read'> = {},
): Metric<MstarRecord> {
  return {
    ...{ name, meaning, isShare: true, panel: panels.validation.title },
    read: ({ dynamics }) => dynamics && read(dynamics),
    ...shown,
  }
}

const family = 'Greedy and pass@k'
const votes = 'Votes and Reward-Pass@2'
const extremes = 'Questions that teach little'

/** A row holds pass@k of one k; that of all answers that were drawn has a row of its own. */
const passes = [1, 2, 4, 8, 16].map((k) =>
  share(
    `pass_at_${k}`,
    `share of validation questions that at least one of ${k} drawn answers gets right, without bias`,
    ({ pass }) => pass[k],
    k < 16 ? { title: family, label: `pass@${k}` } : {},
  ),
)

const validation: readonly Metric<MstarRecord>[] = [
  share(
    'greedy',
    'share of validation questions that the likeliest answer gets right',
    ({ greedy }) => greedy,
    {
      ...{ aliases: ['eval/greedy'], status: 'greedy', compared: 'Right answers, greedy' },
      ...{ title: family, label: 'greedy' },
      chart: {
        span: [0, 1],
        note: 'Greedy accuracy should rise. Where pass@k falls meanwhile, the policy explores less. The line "any" is pass@k of all answers that were drawn.',
      },
    },
  ),
  ...passes,
  share(
    'pass_at_all',
    'share of validation questions that at least one of all drawn answers gets right',
    ({ pass }) => Math.max(...Object.values(pass)),
    { title: family, label: 'any', compared: 'Right answers, any' },
  ),
  share(
    'headroom',
    'share that at least one answer gets right, less that of the likeliest',
    ({ headroom }) => headroom,
    {
      title: 'Headroom',
      chart: { note: 'What exploring could still find. At zero there is nothing left to learn from.' },
    },
  ),
  share('majority', 'share of validation questions that most answers get right', ({ majority }) => majority, {
    ...{ title: votes, label: 'majority', compared: 'Right answers, vote' },
    chart: {
      span: [0, 1],
      note: 'A reward model that knows more than the votes do weighs them better, and has a right answer among its best two.',
    },
  }),
  share(
    'weighted_majority',
    'share of validation questions that the vote weighted by scores gets right',
    ({ weightedMajority }) => weightedMajority,
    { title: votes, label: 'weighted' },
  ),
  share(
    'reward_pass_at_2',
    'share of validation questions with a right one among the two answers of the highest scores',
    ({ rewardPass2 }) => rewardPass2,
    { title: votes, label: 'best two', compared: 'Reward-Pass@2' },
  ),
  share(
    'none_right',
    'share of validation questions none of whose answers is right',
    ({ noneRight }) => noneRight,
    {
      ...{ title: extremes, label: 'none right' },
      chart: { span: [0, 1], note: 'Where no answer is right, or all are, there is nothing to choose.' },
    },
  ),
  share(
    'all_right',
    'share of validation questions all of whose answers are right',
    ({ allRight }) => allRight,
    { title: extremes, label: 'all right' },
  ),
  {
    name: 'answer_tokens',
    meaning: 'tokens of a validation answer',
    read: ({ dynamics }) => dynamics?.tokens,
    panel: panels.validation.title,
    title: 'Tokens of an answer',
  },
  {
    name: 'answer_steps',
    meaning: 'steps of a validation answer',
    read: ({ dynamics }) => dynamics?.steps,
    panel: panels.validation.title,
    title: 'Steps of an answer',
  },
  {
    name: 'sampler_gap',
    meaning: "largest distance from the sampler's log-probabilities, in some validation answers",
    read: ({ dynamics }) => dynamics?.samplerGap,
    panel: panels.validation.title,
    title: 'Sampler against scoring',
    chart: {
      note: 'Largest difference of their log-probabilities for one token. Rounding, as long as it stays tiny.',
      mayBeLog: true,
    },
  },
]

const generated: readonly Metric<MstarRecord>[] = [
  {
    name: 'temperature',
    meaning: 'temperature of the answers',
    read: ({ temperature }) => temperature,
    panel: panels.answers.title,
    title: 'Temperature',
  },
  {
    name: 'alpha',
    meaning: 'score above which an answer is kept',
    read: ({ alpha }) => alpha,
    panel: panels.answers.title,
    title: 'Threshold',
    chart: { note: 'The score above which right answers are kept.', span: [0, 1] },
  },
  {
    name: 'generated/right',
    meaning: 'share of the generated answers that are right',
    read: (record) => record.generated?.right,
    panel: panels.answers.title,
    title: 'Right answers',
    label: 'right',
    isShare: true,
    chart: { span: [0, 1] },
  },
  {
    name: 'generated/unreadable',
    meaning: 'share of the generated answers that cannot be read, or did not end',
    read: (record) => record.generated?.unreadable,
    panel: panels.answers.title,
    title: 'Right answers',
    label: 'unreadable',
    isShare: true,
  },
  {
    name: 'generated/kept',
    meaning: 'answers of the cycle that are learned',
    read: (record) => record.generated?.kept,
    panel: panels.answers.title,
    title: 'Answers learned in a cycle',
  },
  {
    name: 'generated/useful_questions',
    meaning: 'share of the questions of the cycle of which something is learned',
    read: (record) => record.generated && record.generated.useful / record.generated.questions,
    panel: panels.answers.title,
    title: 'Questions of use',
    isShare: true,
    chart: { span: [0, 1] },
  },
]

export const metrics: readonly Metric<MstarRecord>[] = [
  ...learningMetrics,
  { name: 'cycle', meaning: 'cycle of Generate and Improve', read: ({ cycle }) => cycle, status: 'cycle' },
  ...generated,
  ...validation,
  { name: 'seconds/learn', meaning: 'wall time of the step', read: ({ seconds }) => seconds },
  { name: 'seconds/generate', meaning: 'wall time of generation', read: ({ phases }) => phases.generate },
  { name: 'seconds/monitor', meaning: 'wall time of watching', read: ({ phases }) => phases.monitor },
  {
    name: 'seconds/sweep',
    meaning: 'wall time of choosing the temperature',
    read: ({ phases }) => phases.sweep,
  },
]
