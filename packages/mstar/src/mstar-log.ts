/** The log of a run: a line of JSON for each step. */
import { isObject } from '@evolmm/internal'
import { isLogNumber, jsonLines, type LogCodec, type LogLine } from '@evolmm/runs'
import type { MstarRecord } from './record'

type MstarLine = LogLine & Partial<MstarRecord>

const lines = jsonLines<MstarRecord>('mstar_log.jsonl', isWhole)

/** Examples are what a model wrote: a text "NaN" stays one. */
export const mstarLog: LogCodec<MstarRecord> = {
  ...lines,
  fromLines: ([line]) => ({ ...lines.fromLines([line]), examples: (line as MstarLine).examples ?? null }),
}

/** The numbers that every line has. */
const numbers = [
  'loss',
  'learningRate',
  'gradientNorm',
  'cycle',
  'temperature',
  'answers',
  'seconds',
] as const

function isWhole(line: Partial<LogLine>): boolean {
  const { phases, generated, dynamics, sweep, examples, ...values } = line as Partial<
    Record<keyof MstarRecord, unknown>
  >
  return (
    numbers.every((name) => values[name] != null && isLogNumber(values[name])) &&
    holdsNumbers(phases) &&
    isNoneOr(generated, holdsNumbers) &&
    isNoneOr(dynamics, ({ pass, ...rest }) => holdsNumbers(pass) && holdsNumbers(rest)) &&
    isNoneOr(sweep, (points) => Array.isArray(points) && points.every(holdsNumbers)) &&
    isNoneOr(examples, (each) => Array.isArray(each) && each.every(isExample))
  )
}

/** A part of a record that most lines have not, and older logs lack. */
function isNoneOr(value: unknown, isWholePart: (value: Record<string, unknown>) => boolean): boolean {
  return value == null || (typeof value === 'object' && isWholePart(value as Record<string, unknown>))
}

function holdsNumbers(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isLogNumber)
}

function isExample(value: unknown): boolean {
  if (!isObject(value)) return false
  const { question, image, text, answer, kept, left, wrong } = value
  return (
    Number.isSafeInteger(question) &&
    typeof text === 'string' &&
    [image, answer].every(isTextOrNull) &&
    [kept, left, wrong].every(isGroup)
  )
}

function isGroup(value: unknown): boolean {
  if (!isObject(value)) return false
  const { drawn, distinct, answers } = value
  return [drawn, distinct].every(Number.isSafeInteger) && Array.isArray(answers) && answers.every(isAnswer)
}

function isAnswer(value: unknown): boolean {
  if (!isObject(value)) return false
  const { reading, count, steps, leftOut } = value
  const isStep = (step: unknown) =>
    isObject(step) && typeof step.text === 'string' && (step.score === null || Number.isFinite(step.score))
  return (
    isTextOrNull(reading) &&
    [count, leftOut].every(Number.isSafeInteger) &&
    Array.isArray(steps) &&
    steps.every(isStep)
  )
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}
