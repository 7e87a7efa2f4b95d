/**
 * The log of EvoLMM: lines of `iter_log.jsonl`, version 1. Each stands for one image of an iteration and for itself: what
 * holds for the whole iteration is repeated on the line of each of its images. The keys of the released code keep their
 * names and meanings, with these refinements:
 * - An invalid answer is `null` in `solver_answers_raw` and `solver_answers_norm`. `answer_hist` counts the valid ones
 *   only (a key cannot be `null`), so N minus its sum is the number of invalid answers. An object of JavaScript does not
 *   keep the order of keys such as "12": the histogram is read back from `solver_answers_norm`, which has it all.
 * - `solver_rewards_raw` and `solver_rewards_soft` are there whichever rule the solver learns from, and `null` where an
 *   answer was not scored. What an update used is in `solver_rewards`.
 * - Of the roles' updates, the watch and the times, each number has its field's name with underscores.
 */
import { isObject } from '@evolmm/internal'
import type { Answer } from '@evolmm/rewards'
import type { Alarm } from '@evolmm/rl-core'
import {
  fromLogFields,
  fromLogNumber,
  fromLogNumbers,
  toLogFields,
  toLogNumber,
  toLogNumbers,
  type LogCodec,
  type LogLine,
  type LogNumber,
} from '@evolmm/runs'
import type { AnswerRecord, ImageRecord, IterationRecord } from './record/record'
import type { UpdateRecord } from './record/update-fields'
import { perRole, roles, type Role } from './role'

type Numbers = Record<string, LogNumber | null>

interface IterLogLine extends LogLine, Record<`${Role}_update`, Numbers | null> {
  schema_version: 1
  /** The place among the images of the iteration, from 0, and how many there are. */
  image: number
  images: number
  answer_hist: Record<string, number>
  watch: { alarms: Alarm[] }
  probe: Numbers | null
  seconds: Numbers
  /** The keys of an image and of its answers, by the tables below. */
  [key: string]: unknown
}

/** The keys of an image's fields. */
const imageKeys = {
  path: 'image_path',
  relativePath: 'relative_path',
  epoch: 'epoch',
  question: 'proposer_question',
  proposerText: 'proposer_out_xml',
  proposerTokens: 'proposer_tokens',
  faults: 'question_faults',
  rejected: 'rejected',
  questionLogProbability: 'question_log_probability',
  majority: 'maj_answer',
  majorityCount: 'maj_count',
  agreement: 'maj_frac',
  entropy: 'entropy_nats',
  proposerReward: 'proposer_reward',
  proposerAdvantage: 'proposer_advantage',
} as const satisfies Record<Exclude<keyof ImageRecord, 'answers' | 'histogram' | 'proposerRewards'>, string>

const proposerRewardKeys = {
  continuous: 'proposer_reward_gauss',
  discrete: 'proposer_reward_discrete',
} as const satisfies Record<keyof ImageRecord['proposerRewards'], string>

/** The keys of an answer's fields; each has a list with one entry for each answer. */
const answerKeys = {
  text: 'solver_outputs',
  raw: 'solver_answers_raw',
  answer: 'solver_answers_norm',
  reward: 'solver_rewards',
  advantage: 'solver_advantages',
  wordsBefore: 'pre_answer_word_counts',
  tokens: 'solver_tokens',
  finishReason: 'solver_finish_reasons',
} as const satisfies Record<Exclude<keyof AnswerRecord, 'rewards'>, string>

const answerRewardKeys = {
  continuous: 'solver_rewards_soft',
  discrete: 'solver_rewards_raw',
} as const satisfies Record<keyof AnswerRecord['rewards'], string>

/** Fields whose number may be one that JSON does not have: all else is read as it stands. */
const numbers = new Set([
  ...['questionLogProbability', 'agreement', 'entropy', 'proposerReward', 'proposerAdvantage'],
  ...['reward', 'advantage', 'continuous', 'discrete'],
])

export const iterLog: LogCodec<IterationRecord, IterLogLine> = {
  file: 'iter_log.jsonl',
  toLines: ({ step, images, watch: { alarms, ...shares }, probe, seconds, ...updates }) =>
    images.map((image, i) => ({
      schema_version: 1,
      step,
      image: i,
      images: images.length,
      ...toKeys(image, imageKeys),
      ...toLists(image.answers, answerKeys),
      ...toLists(
        image.answers.map(({ rewards }) => rewards),
        answerRewardKeys,
      ),
      ...toKeys(image.proposerRewards, proposerRewardKeys),
      answer_hist: validVotes(image),
      ...updateLines(updates),
      watch: { ...toLogFields(shares), alarms },
      probe: probe && toLogNumbers(probe),
      seconds: toLogFields({ ...seconds }),
    })),
  fromLines: (lines) => {
    const [first] = lines
    const { step, watch, probe, seconds } = first
    const { alarms, ...shares } = watch
    return {
      step,
      images: lines.map(toImage),
      ...perRole((role) => updateOf(first[`${role}_update`])),
      watch: { ...fromLogFields(shares), alarms } as IterationRecord['watch'],
      probe: probe && (fromLogNumbers(probe) as Record<string, number>),
      seconds: fromLogFields(seconds) as unknown as IterationRecord['seconds'],
    }
  },
  isWhole: (line) => {
    const lists = [...Object.values(answerKeys), ...Object.values(answerRewardKeys)].map((key) => line[key])
    return (
      [line.image, line.images].every(Number.isSafeInteger) &&
      Array.isArray(line[imageKeys.faults]) &&
      lists.every((list) => Array.isArray(list) && list.length === (lists[0] as unknown[]).length) &&
      [...roles.map((role) => line[`${role}_update`]), line.probe].every(
        (value) => typeof value === 'object',
      ) &&
      [line.watch, line.seconds].every(isObject)
    )
  },
  placeOf: ({ image, images }) => ({ place: image, count: images }),
}

type Keys = Readonly<Record<string, string>>
type Values = Readonly<Record<string, unknown>>

function toImage(line: IterLogLine): ImageRecord {
  const texts = line[answerKeys.text] as readonly string[]
  return {
    ...fromKeys(imageKeys, (key) => line[key]),
    answers: texts.map((_, i) => {
      const entry = (key: string) => (line[key] as readonly unknown[])[i]
      return { ...fromKeys(answerKeys, entry), rewards: fromKeys(answerRewardKeys, entry) }
    }),
    histogram: histogramOf(line[answerKeys.answer] as readonly Answer[]),
    proposerRewards: fromKeys(proposerRewardKeys, (key) => line[key]),
  } as unknown as ImageRecord
}

function updateLines(
  updates: Readonly<Record<Role, UpdateRecord | null>>,
): Record<`${Role}_update`, Numbers | null> {
  return Object.fromEntries(
    roles.map((role) => [`${role}_update`, updates[role] && toLogFields(updates[role])]),
  ) as Record<`${Role}_update`, Numbers | null>
}

function updateOf(line: Numbers | null): UpdateRecord | null {
  return line && (fromLogFields(line) as UpdateRecord)
}

function toKeys(values: object, keys: Keys): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(keys).map(([field, key]) => [key, written((values as Values)[field])]),
  )
}

function toLists(values: readonly object[], keys: Keys): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(keys).map(([field, key]) => [
      key,
      values.map((value) => written((value as Values)[field])),
    ]),
  )
}

function fromKeys(keys: Keys, valueOf: (key: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(keys).map(([field, key]) => {
      const value = valueOf(key)
      return [field, numbers.has(field) ? fromLogNumber((value ?? null) as LogNumber | null) : value]
    }),
  )
}

function written(value: unknown): unknown {
  return typeof value === 'number' ? toLogNumber(value) : value
}

function validVotes({ histogram }: ImageRecord): Record<string, number> {
  return Object.fromEntries(
    histogram.flatMap(({ answer, count }): [string, number][] => (answer === null ? [] : [[answer, count]])),
  )
}

function histogramOf(answers: readonly Answer[]): ImageRecord['histogram'] {
  const counts = new Map<Answer, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  return [...counts].map(([answer, count]) => ({ answer, count }))
}
