/**
 * The state of a run for people: one line that is written over on a terminal, and a line now and then anywhere else.
 * Elsewhere no line is written twice and none has control characters, so that it can be kept in a file.
 */
import { checkNames, checkNumber, checkObject } from '@evolmm/internal'
import type { Entry } from '../records/entry'
import type { Tracker } from './tracker'

export interface StatusOutput {
  write: (text: string) => unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export interface StatusLineOptions {
  /** The stream that is written to. */
  output: StatusOutput
  /** The time in milliseconds. @default performance.now */
  clock?: () => number
  /** Seconds from one line to the next where there is no terminal; 0 writes each step. @default 30 */
  everySeconds?: number
}

export interface StatusLine extends Required<Omit<Tracker, 'abandon'>> {
  /** The live line goes away, for something else to be written; the next step brings it back. */
  clear: () => void
}

/** Steps that the rate is taken over. */
const window = 20

export function statusLine(options: StatusLineOptions): StatusLine {
  checkNames('statusLine', options, { output: true, clock: true, everySeconds: true })
  checkObject('output', options.output)
  const { output, clock = () => performance.now() } = options
  const everySeconds = checkNumber('everySeconds', options.everySeconds ?? 30, { min: 0 })
  const live = output.isTTY === true
  let total = 0
  let times: number[] = []
  let lastWritten: number | undefined
  /** The latest line, if it has not been written for good. */
  let pending: string | undefined
  let shown = false

  const clear = () => {
    if (shown) output.write('\r\u001b[K')
    shown = false
  }
  const keep = (line: string) => {
    clear()
    output.write(`${line}\n`)
    pending = undefined
    lastWritten = clock()
  }

  return {
    name: 'status',
    clear,
    start: ({ totalSteps }) => {
      total = totalSteps
      times = [clock()]
    },
    log: (entry) => {
      times = [...times.slice(-window), clock()]
      const line = describe(entry, total, times)
      pending = line.join(', ')
      if (live) {
        // 0 is a terminal that does not know.
        const columns = output.columns === undefined || output.columns === 0 ? 80 : output.columns
        const width = Math.max(1, columns - 1)
        // A line that wraps cannot be taken back.
        const text = fit([withBar(line, entry.step / total, width), line.join(', ')], width)
        output.write(`\r${text}\u001b[K`)
        shown = true
      } else if (lastWritten === undefined || clock() - lastWritten >= everySeconds * 1000) keep(pending)
    },
    flush: () => undefined,
    finish: () => {
      if (pending !== undefined) keep(pending)
      clear()
    },
  }
}

/** Parts, the most important first. */
function describe({ step, status, notices }: Entry, total: number, times: readonly number[]): string[] {
  const seconds = (Number(times.at(-1)) - Number(times.at(0))) / 1000 / (times.length - 1)
  const width = String(total).length
  return [
    `${String(step).padStart(width)}/${total}`,
    rate(seconds),
    `${duration(seconds * (total - step))} left`,
    ...notices,
    ...status.map(({ label, value }) => `${label} ${short(value)}`),
  ]
}

function withBar(parts: readonly string[], share: number, width: number): string {
  const [count, text] = [parts.slice(0, 1).join(''), parts.slice(1).join(', ')]
  const cells = Math.min(24, width - count.length - text.length - 4)
  if (cells < 6) return parts.join(', ')
  const full = Math.round(cells * Math.min(1, share))
  return `${count} [${'='.repeat(full)}${' '.repeat(cells - full)}] ${text}`
}

function fit(candidates: readonly string[], width: number): string {
  return candidates.find((text) => text.length <= width) ?? String(candidates.at(-1)).slice(0, width)
}

function rate(seconds: number): string {
  if (!(seconds > 0)) return '- it/s'
  return seconds < 1 ? `${short(1 / seconds)} it/s` : `${short(seconds)} s/it`
}

/** A time in its two largest units. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.ceil(whole / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** A number in three digits. */
function short(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  return size >= 0.001 && size < 1e6 ? String(Number(value.toPrecision(3))) : value.toExponential(1)
}
