/** Rollouts on disk, a line for each question: a file that goes on after a kill, and asks nothing twice. */
import { checkInteger, checkNames, checkObject, checkText, isObject } from '@evolmm/internal'
import {
  openJournal,
  readJournal,
  type Journal,
  type JournalHead,
  type JournalKind,
  type JournalReader,
  type OpenJournalOptions,
} from './journal'
import type { RolledAnswer, Rollout } from './rollout'

export type RolloutsFile = Journal<Rollout>

/** What a file is of, as plain data: a file that goes on must be of the same. */
export type RolloutsHead = JournalHead

/**
 * Opens a file, or makes it. One that is of something else begins anew, or is refused. Throws `UNREADABLE_FILE`,
 * `UNWRITABLE_FILE`, `WOULD_OVERWRITE`, or `INVALID_ROLLOUTS` for a line that is none of a rollout.
 */
export async function openRollouts(
  file: string,
  head: RolloutsHead,
  options: OpenJournalOptions = {},
): Promise<RolloutsFile> {
  checkNames('openRollouts', options, { isWhole: true, others: true })
  checkText('file', file)
  checkObject('head', head)
  if (options.isWhole !== undefined) checkInteger('isWhole', options.isWhole, { min: 0 })
  return openJournal(file, head, rollouts, options)
}

/** The rollouts that are in a file now, and what they are of. Throws as `openRollouts` does. */
export async function readRollouts(file: string): Promise<JournalReader<Rollout> & { head: RolloutsHead }> {
  checkText('file', file)
  return readJournal(file, rollouts)
}

const rollouts: JournalKind<Rollout> = {
  line: 'the answers to a question',
  write: lineOf,
  read({ question, answers }) {
    if (!isCount(question) || !Array.isArray(answers)) return undefined
    const read = answers.map(answerOf)
    const whole = read.flatMap((answer) => answer ?? [])
    return whole.length === read.length ? { question, answers: whole } : undefined
  },
}

function lineOf({ question, answers }: Rollout): Record<string, unknown> {
  return {
    question,
    answers: answers.map(({ ids, logProbabilities, ...rest }) => ({
      ...rest,
      ids: Array.from(ids),
      log_probabilities: Buffer.from(new Uint8Array(Float32Array.from(logProbabilities).buffer)).toString(
        'base64',
      ),
    })),
  }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31

function answerOf(value: unknown): RolledAnswer | undefined {
  if (!isObject(value)) return undefined
  const { text, count, reading, right, steps, ids, log_probabilities: packed } = value
  if (typeof text !== 'string' || !isCount(count) || typeof packed !== 'string') return undefined
  if (reading !== null && typeof reading !== 'string') return undefined
  if (right !== null && typeof right !== 'boolean') return undefined
  if (steps !== null && !isNumbers(steps)) return undefined
  if (!Array.isArray(ids) || !ids.every(isCount)) return undefined
  const bytes = new Uint8Array(Buffer.from(packed, 'base64'))
  if (bytes.byteLength !== 4 * ids.length) return undefined
  const logProbabilities = new Float32Array(bytes.buffer)
  return { text, count, reading, right, steps, ids: Int32Array.from(ids), logProbabilities }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number' && Number.isFinite(each))
}
