/**
 * The log of EvoLMM: lines of `iter_log.jsonl`, version 1. Each stands for one image of an iteration and for itself: what
 * holds for the whole iteration is repeated on the line of each of its images. The keys of the released code keep their
 * names and meanings, with these refinements:
 * - An invalid answer is `null` in `solver_answers_raw` and `solver_answers_norm`. `answer_hist` counts the valid ones
 *   only (a key cannot be `null`), so N minus its sum is the number of invalid answers. An object of JavaScript does not
 *   keep the order of keys such as "12": the histogram is read back from `solver_answers_norm`, which has it all.
 * - `solver_rewards_raw` and `solver_rewards_soft` are there whichever reward the solver learns from, and `null` where an
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
  isLogNumber,
  toLogFields,
  toLogNumber,
  toLogNumbers,
  type LogCodec,
  type LogLine,
  type LogNumber,
} from '@evolmm/runs'
import { answerFields } from './record/answer-fields'
import { questionFields } from './record/question-fields'
import type { ImageRecord, IterationRecord } from './record/record'
import type { UpdateRecord } from './record/update-fields'
import { voteFields } from './record/vote-fields'
import { proposerRewards, solverRewards, type RewardRule } from './reward-rules'
import { perRole, roles, type Role } from './role'

type LogNumbers = Record<string, LogNumber | null>

interface IterLogLine extends LogLine, Record<`${Role}_update`, LogNumbers | null> {
  schema_version: 1
  /** The place among the images of the iteration, from 0, and how many there are. */
  image: number
  images: number
  answer_hist: Record<string, number>
  watch: { alarms: Alarm[] }
  probe: LogNumbers | null
  seconds: LogNumbers
  /** The keys of an image and of its answers, by the tables of `record/`. */
  [key: string]: unknown
}

const imageFields = { ...questionFields, ...voteFields }
const solverRewardFields = rewardFields(solverRewards, 'solver_rewards')
const proposerRewardFields = rewardFields(proposerRewards, 'proposer_reward')

/** The lists of a line that have an entry for each answer. */
const lists = [...Object.values(answerFields), ...Object.values(solverRewardFields)].map(({ key }) => key)
/**
 * Those that every log has, since they were there from the start: nothing is ever added here. A field that came later is
 * missing in older logs, whose runs go on all the same.
 */
const firstLists = [
  'solver_outputs',
  'solver_answers_raw',
  'solver_answers_norm',
  'solver_rewards',
  'solver_advantages',
  'solver_tokens',
  'pre_answer_word_counts',
  'solver_finish_reasons',
  'solver_rewards_soft',
  'solver_rewards_raw',
]

/** Fields that readers take for texts, and for texts or `null`. */
const texts = new Set(['path', 'relativePath', 'proposerText', 'text', 'finishReason'])
const maybeTexts = new Set(['question', 'rejected', 'majority', 'raw', 'answer'])

export const iterLog: LogCodec<IterationRecord, IterLogLine> = {
  file: 'iter_log.jsonl',
  toLines: ({ step, images, watch: { alarms, ...shares }, probe, seconds, ...updates }) =>
    images.map((image, i) => ({
      schema_version: 1,
      step,
      image: i,
      images: images.length,
      ...toKeys(image, imageFields),
      ...toLists(image.answers, answerFields),
      ...toLists(
        image.answers.map(({ rewards }) => rewards),
        solverRewardFields,
      ),
      ...toKeys(image.proposerRewards, proposerRewardFields),
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
      seconds: fromLogFields(seconds) as IterationRecord['seconds'],
    }
  },
  isWhole: (line) => {
    const length = lengthOf(line[firstLists[0]])
    return (
      [line.image, line.images].every(Number.isSafeInteger) &&
      length !== undefined &&
      firstLists.every((key) => lengthOf(line[key]) === length) &&
      lists.every((key) => line[key] === undefined || lengthOf(line[key]) === length) &&
      hasFields({ ...imageFields, ...proposerRewardFields }, (key) => line[key]) &&
      Array.from({ length }).every((_, i) =>
        hasFields(
          { ...answerFields, ...solverRewardFields },
          (key) => (line[key] as readonly unknown[] | undefined)?.[i],
        ),
      ) &&
      [...roles.map((role) => line[`${role}_update`]), line.probe].every(
        (value) => value === null || areNumbers(value),
      ) &&
      isWatch(line.watch) &&
      areNumbers(line.seconds)
    )
  },
  placeOf: ({ image, images }) => ({ place: image, count: images }),
}

/** What the log needs to know of a field: numbers may be ones that JSON does not have, all else is read as it stands. */
interface LogField {
  key: string
  measure?: unknown
}
type LogFields = Readonly<Record<string, LogField>>

/** Every field is of its kind, as far as readers rely on it. */
function hasFields(fields: LogFields, valueOf: (key: string) => unknown): boolean {
  return Object.entries(fields).every(([name, { key, measure }]) => {
    const value = valueOf(key)
    if (measure !== undefined) return value === undefined || isLogNumber(value)
    if (name === 'faults') return areTexts(value)
    if (texts.has(name)) return typeof value === 'string'
    return !maybeTexts.has(name) || value === null || typeof value === 'string'
  })
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function areNumbers(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isLogNumber)
}

function isWatch(value: unknown): boolean {
  if (!isObject(value)) return false
  const { alarms, ...shares } = value
  return areTexts(alarms) && areNumbers(shares)
}

type LogValues = Readonly<Record<string, unknown>>

/** A list, or a number, for each reward of a table: by its released name, or with that of the reward. */
function rewardFields(rules: Readonly<Record<string, RewardRule<never>>>, before: string): LogFields {
  return Object.fromEntries(
    Object.entries(rules).map(([name, { released }]) => [
      name,
      { key: released?.key ?? `${before}_${name}`, measure: true },
    ]),
  )
}

function toImage(line: IterLogLine): ImageRecord {
  const texts = line[answerFields.text.key] as readonly string[]
  return {
    ...fromKeys(imageFields, (key) => line[key]),
    answers: texts.map((_, i) => {
      const entry = (key: string) => (line[key] as readonly unknown[] | undefined)?.[i]
      return { ...fromKeys(answerFields, entry), rewards: fromKeys(solverRewardFields, entry) }
    }),
    histogram: histogramOf(line[answerFields.answer.key] as readonly Answer[]),
    proposerRewards: fromKeys(proposerRewardFields, (key) => line[key]),
  } as ImageRecord
}

function lengthOf(list: unknown): number | undefined {
  return Array.isArray(list) ? list.length : undefined
}

function updateLines(
  updates: Readonly<Record<Role, UpdateRecord | null>>,
): Record<`${Role}_update`, LogNumbers | null> {
  return Object.fromEntries(
    roles.map((role) => [`${role}_update`, updates[role] && toLogFields(updates[role])]),
  ) as Record<`${Role}_update`, LogNumbers | null>
}

function updateOf(line: LogNumbers | null): UpdateRecord | null {
  return line && (fromLogFields(line) as UpdateRecord)
}

function toKeys(values: object, fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { key }]) => [key, written((values as LogValues)[name])]),
  )
}

function toLists(values: readonly object[], fields: LogFields): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { key }]) => [
      key,
      values.map((value) => written((value as LogValues)[name])),
    ]),
  )
}

function fromKeys(fields: LogFields, valueOf: (key: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { key, measure }]) => {
      const value = valueOf(key) ?? null
      return [name, measure === undefined ? value : fromLogNumber(value as LogNumber | null)]
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
