/**
 * The lines of `iter_log.jsonl`, version 1. Each stands for one image of an iteration and for itself: what holds for the
 * whole iteration is repeated on the line of each of its images. The keys of the released code keep their names and
 * meanings, with these refinements:
 * - An invalid answer is `null` in `solver_answers_raw` and `solver_answers_norm`. `answer_hist` counts the valid ones
 *   only (a key cannot be `null`), so N minus its sum is the number of invalid answers. An object of JavaScript does not
 *   keep the order of keys such as "12": the histogram is read back from `solver_answers_norm`, which has it all.
 * - `solver_rewards_raw` and `solver_rewards_soft` are there whichever rule the solver learns from, and `null` where an
 *   answer was not scored. What an update used is in `solver_rewards`.
 * - JSON has no NaN and no infinities. They are written as text ("NaN", "Infinity", "-Infinity"), so that a run that
 *   went wrong shows where, and read back as numbers. A negative zero becomes 0.
 */
import type { Answer, QuestionFault } from '@evolmm/rewards'
import type { Alarm, WatchRecord } from '@evolmm/rl-core'
import type { AnswerRecord, ImageRecord, IterationRecord, PhaseSeconds, UpdateRecord } from '../record'

/** A number as it stands in a line. */
type Num = number | 'NaN' | 'Infinity' | '-Infinity'
type OptionalNum = Num | null

export interface IterLogLine {
  schema_version: 1
  step: number
  /** Place among the images of the iteration, from 0, and how many there are. */
  image: number
  images: number
  /** Absolute. */
  image_path: string
  relative_path: string
  epoch: number
  proposer_question: string | null
  proposer_out_xml: string
  proposer_tokens: number
  question_faults: QuestionFault[]
  rejected: ImageRecord['rejected']
  question_log_probability: OptionalNum
  /** Each of these lists has one entry for each answer. */
  solver_outputs: string[]
  solver_answers_raw: Answer[]
  solver_answers_norm: Answer[]
  solver_rewards_raw: OptionalNum[]
  solver_rewards_soft: OptionalNum[]
  solver_rewards: OptionalNum[]
  solver_advantages: OptionalNum[]
  pre_answer_word_counts: number[]
  solver_tokens: number[]
  solver_finish_reasons: AnswerRecord['finishReason'][]
  maj_answer: Answer
  maj_count: number
  maj_frac: Num
  entropy_nats: OptionalNum
  answer_hist: Record<string, number>
  proposer_reward_gauss: OptionalNum
  proposer_reward_discrete: OptionalNum
  proposer_reward: OptionalNum
  proposer_advantage: OptionalNum
  /** The roles' updates, `null` as in the record. */
  solver_update: UpdateLine | null
  proposer_update: UpdateLine | null
  watch: { top_answer_share: OptionalNum; start_top_answer_share: OptionalNum; alarms: Alarm[] }
  probe: Record<string, Num> | null
  seconds: Record<keyof PhaseSeconds, Num>
}

interface UpdateLine {
  updates: number
  completions: number
  ce: OptionalNum
  kl: OptionalNum
  beta: Num
  next_beta: Num
  entropy: OptionalNum
  baseline: OptionalNum
  reward_mean: OptionalNum
  reward_std: OptionalNum
  advantage_mean: OptionalNum
  gradient_norm: OptionalNum
  skipped_steps: number
  learning_rate: Num
  sampler_gap: OptionalNum
}

/** One line for each image. */
export function toLines(record: IterationRecord): IterLogLine[] {
  const whole = {
    solver_update: toUpdateLine(record.solver),
    proposer_update: toUpdateLine(record.proposer),
    watch: {
      top_answer_share: optional(record.watch.topAnswerShare),
      start_top_answer_share: optional(record.watch.startTopAnswerShare),
      alarms: record.watch.alarms,
    },
    probe: record.probe === null ? null : mapValues(record.probe, write),
    seconds: mapValues(record.seconds, write),
  }
  return record.images.map((image, i) => ({
    schema_version: 1,
    step: record.step,
    image: i,
    images: record.images.length,
    ...toImagePart(image),
    ...whole,
  }))
}

/** The lines of one iteration, in order, as the record that they were made of. */
export function fromLines(lines: readonly [IterLogLine, ...IterLogLine[]]): IterationRecord {
  const [{ step, solver_update, proposer_update, watch, probe, seconds }] = lines
  return {
    step,
    images: lines.map(toImage),
    solver: toUpdate(solver_update),
    proposer: toUpdate(proposer_update),
    watch: toWatch(watch),
    probe: probe === null ? null : mapValues(probe, read),
    seconds: mapValues(seconds, read),
  }
}

type ImagePart = Omit<
  IterLogLine,
  | 'schema_version'
  | 'step'
  | 'image'
  | 'images'
  | 'solver_update'
  | 'proposer_update'
  | 'watch'
  | 'probe'
  | 'seconds'
>

function toImagePart(image: ImageRecord): ImagePart {
  const { answers } = image
  const valid = image.histogram.flatMap(({ answer, count }): [string, number][] =>
    answer === null ? [] : [[answer, count]],
  )
  return {
    image_path: image.path,
    relative_path: image.relativePath,
    epoch: image.epoch,
    proposer_question: image.question,
    proposer_out_xml: image.proposerText,
    proposer_tokens: image.proposerTokens,
    question_faults: image.faults,
    rejected: image.rejected,
    question_log_probability: optional(image.questionLogProbability),
    solver_outputs: answers.map(({ text }) => text),
    solver_answers_raw: answers.map(({ raw }) => raw),
    solver_answers_norm: answers.map(({ answer }) => answer),
    solver_rewards_raw: answers.map(({ rewards }) => optional(rewards.discrete)),
    solver_rewards_soft: answers.map(({ rewards }) => optional(rewards.continuous)),
    solver_rewards: answers.map(({ reward }) => optional(reward)),
    solver_advantages: answers.map(({ advantage }) => optional(advantage)),
    pre_answer_word_counts: answers.map(({ wordsBefore }) => wordsBefore),
    solver_tokens: answers.map(({ tokens }) => tokens),
    solver_finish_reasons: answers.map(({ finishReason }) => finishReason),
    maj_answer: image.majority,
    maj_count: image.majorityCount,
    maj_frac: write(image.agreement),
    entropy_nats: optional(image.entropy),
    answer_hist: Object.fromEntries(valid),
    proposer_reward_gauss: optional(image.proposerRewards.continuous),
    proposer_reward_discrete: optional(image.proposerRewards.discrete),
    proposer_reward: optional(image.proposerReward),
    proposer_advantage: optional(image.proposerAdvantage),
  }
}

function toImage(line: IterLogLine): ImageRecord {
  const at = <T>(list: readonly T[], i: number) => list[i]
  return {
    path: line.image_path,
    relativePath: line.relative_path,
    epoch: line.epoch,
    proposerText: line.proposer_out_xml,
    proposerTokens: line.proposer_tokens,
    question: line.proposer_question,
    faults: line.question_faults,
    rejected: line.rejected,
    questionLogProbability: readOptional(line.question_log_probability),
    answers: line.solver_outputs.map((text, i) => ({
      text,
      raw: at(line.solver_answers_raw, i),
      answer: at(line.solver_answers_norm, i),
      wordsBefore: at(line.pre_answer_word_counts, i),
      tokens: at(line.solver_tokens, i),
      finishReason: at(line.solver_finish_reasons, i),
      rewards: {
        continuous: readOptional(at(line.solver_rewards_soft, i)),
        discrete: readOptional(at(line.solver_rewards_raw, i)),
      },
      reward: readOptional(at(line.solver_rewards, i)),
      advantage: readOptional(at(line.solver_advantages, i)),
    })),
    histogram: histogramOf(line.solver_answers_norm),
    majority: line.maj_answer,
    majorityCount: line.maj_count,
    agreement: read(line.maj_frac),
    entropy: readOptional(line.entropy_nats),
    proposerRewards: {
      continuous: readOptional(line.proposer_reward_gauss),
      discrete: readOptional(line.proposer_reward_discrete),
    },
    proposerReward: readOptional(line.proposer_reward),
    proposerAdvantage: readOptional(line.proposer_advantage),
  }
}

function histogramOf(answers: readonly Answer[]): ImageRecord['histogram'] {
  const counts = new Map<Answer, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  return [...counts].map(([answer, count]) => ({ answer, count }))
}

function toUpdateLine(update: UpdateRecord | null): UpdateLine | null {
  if (update === null) return null
  return {
    updates: update.updates,
    completions: update.completions,
    ce: optional(update.ce),
    kl: optional(update.kl),
    beta: write(update.beta),
    next_beta: write(update.nextBeta),
    entropy: optional(update.entropy),
    baseline: optional(update.baseline),
    reward_mean: optional(update.rewardMean),
    reward_std: optional(update.rewardStd),
    advantage_mean: optional(update.advantageMean),
    gradient_norm: optional(update.gradientNorm),
    skipped_steps: update.skippedSteps,
    learning_rate: write(update.learningRate),
    sampler_gap: optional(update.samplerGap),
  }
}

function toUpdate(line: UpdateLine | null): UpdateRecord | null {
  if (line === null) return null
  return {
    updates: line.updates,
    completions: line.completions,
    ce: readOptional(line.ce),
    kl: readOptional(line.kl),
    beta: read(line.beta),
    nextBeta: read(line.next_beta),
    entropy: readOptional(line.entropy),
    baseline: readOptional(line.baseline),
    rewardMean: readOptional(line.reward_mean),
    rewardStd: readOptional(line.reward_std),
    advantageMean: readOptional(line.advantage_mean),
    gradientNorm: readOptional(line.gradient_norm),
    skippedSteps: line.skipped_steps,
    learningRate: read(line.learning_rate),
    samplerGap: readOptional(line.sampler_gap),
  }
}

function toWatch({ top_answer_share, start_top_answer_share, alarms }: IterLogLine['watch']): WatchRecord {
  return {
    topAnswerShare: readOptional(top_answer_share),
    startTopAnswerShare: readOptional(start_top_answer_share),
    alarms,
  }
}

function write(value: number): Num {
  return Number.isFinite(value) ? value : (String(value) as Num)
}

function optional(value: number | null): OptionalNum {
  return value === null ? null : write(value)
}

function read(value: Num): number {
  return Number(value)
}

function readOptional(value: OptionalNum): number | null {
  return value === null ? null : read(value)
}

function mapValues<K extends string, A, B>(
  values: Readonly<Record<K, A>>,
  change: (value: A) => B,
): Record<K, B> {
  const entries = Object.entries(values) as [K, A][]
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value)])) as Record<K, B>
}
