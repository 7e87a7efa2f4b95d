/**
 * An iteration as flat numbers, by the names of the released code and by those of TRL. The table below is the list:
 * a number goes by each of its names, and is left out when it was not measured. Rewards, lengths and votes are those of
 * the answers of all images of the iteration; an image whose question was rejected has none. `clip_ratio/…` of TRL has
 * no meaning here, since no ratio is clipped.
 */
import type { AnswerRecord, ImageRecord, IterationRecord, UpdateRecord } from '../record'

export interface Metric {
  names: readonly string[]
  meaning: string
  /** `null` or `undefined` when it was not measured. */
  value: (record: IterationRecord) => number | null | undefined
}

export const metricTable: readonly Metric[] = [
  metric(['train/step', 'train/global_step'], 'iterations done', ({ step }) => step),
  metric(['epoch'], 'pass over the images, from 0', ({ images }) => images.at(-1)?.epoch),

  // Votes
  metric(['train/num_solver_samples'], 'answers to a question', (record) =>
    mean(asked(record).map(({ answers }) => answers.length)),
  ),
  metric(['train/maj_count'], 'answers that are the majority, mean over questions', (record) =>
    mean(asked(record).map(({ majorityCount }) => majorityCount)),
  ),
  metric(['train/maj_frac'], 'the same as a share', (record) =>
    mean(asked(record).map(({ agreement }) => agreement)),
  ),
  metric(['train/entropy_nats'], 'entropy of the answers, mean over questions, in nats', (record) =>
    mean(known(record.images, ({ entropy }) => entropy)),
  ),
  metric(['train/pre_words_mean'], 'words before the answer', (record) =>
    mean(answers(record).map(({ wordsBefore }) => wordsBefore)),
  ),
  metric(['answers/invalid_frac'], 'share of answers that are invalid', (record) =>
    mean(answers(record).map(({ answer }) => Number(answer === null))),
  ),

  // Rewards
  metric(['reward'], 'what the solver learned from, mean over answers', (record) =>
    mean(known(answers(record), ({ reward }) => reward)),
  ),
  metric(['reward_std'], 'its standard deviation within a group of answers, mean over groups', (record) =>
    mean(known(groups(record), deviation)),
  ),
  metric(['frac_reward_zero_std'], 'share of groups whose rewards are all equal', (record) =>
    mean(groups(record).map((rewards) => Number(rewards.every((each) => each === rewards[0])))),
  ),
  metric(
    ['train/solver_reward_mean_soft', 'rewards/solver_continuous/mean'],
    "solver's continuous reward, mean over answers",
    (record) => mean(soft(record)),
  ),
  metric(['rewards/solver_continuous/std'], 'its standard deviation', (record) => deviation(soft(record))),
  metric(
    ['train/solver_reward_mean_raw', 'rewards/solver_discrete/mean'],
    "solver's discrete reward, mean over answers",
    (record) => mean(raw(record)),
  ),
  metric(['rewards/solver_discrete/std'], 'its standard deviation', (record) => deviation(raw(record))),
  metric(
    ['train/proposer_reward_gauss', 'rewards/proposer_continuous/mean'],
    "proposer's continuous reward, mean over questions",
    (record) => mean(gauss(record)),
  ),
  metric(['rewards/proposer_continuous/std'], 'its standard deviation', (record) => deviation(gauss(record))),
  metric(['rewards/proposer_discrete/mean'], "proposer's discrete reward, mean over questions", (record) =>
    mean(discrete(record)),
  ),
  metric(['rewards/proposer_discrete/std'], 'its standard deviation', (record) =>
    deviation(discrete(record)),
  ),

  // Questions
  metric(['questions/asked_frac'], 'share of images whose question was asked', (record) =>
    mean(record.images.map(({ answers }) => Number(answers.length > 0))),
  ),
  metric(['questions/fault_frac'], 'share of questions with a fault of form', (record) =>
    mean(record.images.map(({ faults }) => Number(faults.length > 0))),
  ),
  metric(
    ['questions/log_probability'],
    'of a token of a question under the start proposer, in nats',
    (record) => mean(known(record.images, ({ questionLogProbability }) => questionLogProbability)),
  ),

  // Lengths
  metric(['completions/mean_length'], 'tokens of an answer', (record) => mean(lengths(record))),
  metric(['completions/min_length'], 'of the shortest', (record) => extreme(Math.min, lengths(record))),
  metric(['completions/max_length'], 'of the longest', (record) => extreme(Math.max, lengths(record))),
  metric(['completions/clipped_ratio'], 'share of answers that were cut at the limit', (record) =>
    mean(answers(record).map(({ finishReason }) => Number(finishReason === 'length'))),
  ),
  metric(
    ['num_tokens'],
    'tokens that both roles wrote in this iteration (TRL adds them up over the run)',
    (record) => sum(lengths(record)) + sum(record.images.map(({ proposerTokens }) => proposerTokens)),
  ),

  // Updates
  ...roleMetrics('solver', ({ solver }) => solver),
  ...roleMetrics('proposer', ({ proposer }) => proposer),

  // Collapse
  metric(
    ['watch/top_answer_share'],
    'how often the most frequent answer to a question text is given, over the latest questions',
    ({ watch }) => watch.topAnswerShare,
  ),
  metric(
    ['watch/start_top_answer_share'],
    'the same at the start of the run',
    ({ watch }) => watch.startTopAnswerShare,
  ),
  metric(['watch/alarms'], 'alarms that were raised', ({ watch }) => watch.alarms.length),

  // Time
  metric(['seconds/total'], 'wall time', ({ seconds }) => seconds.total),
  metric(['seconds/encode'], 'of encoding images', ({ seconds }) => seconds.encode),
  metric(['seconds/propose'], 'of asking', ({ seconds }) => seconds.propose),
  metric(['seconds/solve'], 'of answering', ({ seconds }) => seconds.solve),
  metric(['seconds/learn'], 'of updates', ({ seconds }) => seconds.learn),
  metric(['seconds/probe'], 'of the evaluation probe', ({ seconds }) => seconds.probe),
]

/** The numbers of an iteration by their names: those of the table, and `eval/<name>` for each number of the probe. */
export function metricsOf(record: IterationRecord): Record<string, number> {
  const entries: [string, number][] = []
  for (const { names, value } of metricTable) {
    const number = value(record)
    if (number !== null && number !== undefined) for (const name of names) entries.push([name, number])
  }
  for (const [name, value] of Object.entries(record.probe ?? {})) entries.push([`eval/${name}`, value])
  return Object.fromEntries(entries)
}

/** Where the released code names the two roles' numbers differently, it is by "_mean": the solver learns from several. */
function roleMetrics(
  role: 'solver' | 'proposer',
  of: (record: IterationRecord) => UpdateRecord | null,
): Metric[] {
  const each = (names: string[], meaning: string, value: (update: UpdateRecord) => number | null) =>
    metric(names, `${role}: ${meaning}`, (record) => {
      const update = of(record)
      return update === null ? null : value(update)
    })
  const isSolver = role === 'solver'
  const suffix = isSolver ? '_mean' : ''
  const trl = (name: string) => (isSolver ? [name] : [])
  return [
    each([`${role}/ce_loss${suffix}`], 'negative log-likelihood of a token, in nats', ({ ce }) => ce),
    each(
      [`${role}/kl_loss${suffix}`, ...trl('kl')],
      'divergence from the start policy, in nats per token',
      ({ kl }) => kl,
    ),
    each([`${role}/advantage${suffix}`], 'advantage', ({ advantageMean }) => advantageMean),
    each([`${role}/kl_coef`], 'weight of the divergence in this iteration', ({ beta }) => beta),
    each([`kl/${role}_beta`], 'weight of the divergence in the next iteration', ({ nextBeta }) => nextBeta),
    each([`train/${role}_baseline`], 'baseline before the iteration', ({ baseline }) => baseline),
    each([`${role}/reward_mean`], 'reward that was learned from', ({ rewardMean }) => rewardMean),
    each([`${role}/reward_std`], 'its standard deviation', ({ rewardStd }) => rewardStd),
    each(
      [`${role}/entropy`, ...trl('entropy')],
      'of the next word, in nats per token',
      (update) => update.entropy,
    ),
    each(
      [`${role}/grad_norm`, ...trl('grad_norm')],
      'of the gradient, before clipping',
      (update) => update.gradientNorm,
    ),
    each(
      [`${role}/learning_rate`, ...trl('learning_rate')],
      'learning rate',
      (update) => update.learningRate,
    ),
    each([`${role}/updates`], 'optimizer steps up to now', ({ updates }) => updates),
    each([`${role}/completions`], 'completions that were learned from', ({ completions }) => completions),
    each(
      [`${role}/skipped_steps`],
      'steps left out, their gradient not being finite',
      (update) => update.skippedSteps,
    ),
    each(
      [`${role}/sampler_gap`],
      "largest distance from the sampler's log-probabilities",
      (update) => update.samplerGap,
    ),
  ]
}

function metric(names: readonly string[], meaning: string, value: Metric['value']): Metric {
  return { names, meaning, value }
}

function asked({ images }: IterationRecord): ImageRecord[] {
  return images.filter(({ answers }) => answers.length > 0)
}

function answers({ images }: IterationRecord): AnswerRecord[] {
  return images.flatMap(({ answers }) => answers)
}

/** The rewards that were learned from, by question. */
function groups(record: IterationRecord): number[][] {
  return asked(record)
    .map(({ answers }) => known(answers, ({ reward }) => reward))
    .filter((rewards) => rewards.length > 0)
}

function soft(record: IterationRecord): number[] {
  return known(answers(record), ({ rewards }) => rewards.continuous)
}

function raw(record: IterationRecord): number[] {
  return known(answers(record), ({ rewards }) => rewards.discrete)
}

function gauss({ images }: IterationRecord): number[] {
  return known(images, ({ proposerRewards }) => proposerRewards.continuous)
}

function discrete({ images }: IterationRecord): number[] {
  return known(images, ({ proposerRewards }) => proposerRewards.discrete)
}

function lengths(record: IterationRecord): number[] {
  return answers(record).map(({ tokens }) => tokens)
}

function known<T>(items: readonly T[], value: (item: T) => number | null): number[] {
  return items.map(value).filter((number) => number !== null)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values) / values.length
}

/** With N - 1, as TRL has it; of one value there is none. */
function deviation(values: readonly number[]): number | null {
  const center = mean(values)
  if (center === null || values.length < 2) return null
  return Math.sqrt(sum(values.map((value) => (value - center) ** 2)) / (values.length - 1))
}

function extreme(choose: (...values: number[]) => number, values: readonly number[]): number | null {
  return values.length === 0 ? null : choose(...values)
}
