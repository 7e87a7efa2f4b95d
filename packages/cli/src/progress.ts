/**
 * What happens while a model is loaded, on standard error: one line that is written over on a terminal, whole lines
 * for what is worth keeping anywhere else.
 */
import type { Progress as RowProgress } from '@evolmm/eval'
import { formatBytes } from '@evolmm/internal'
import { painter, type Context } from './context'
import { formatSeconds, oneLine, plainReasons } from './texts'
import type { HubOptions, LoadOptions } from './library'

export interface ProgressListeners {
  onDownload: NonNullable<HubOptions['onProgress']>
  onWiden: NonNullable<LoadOptions['onWiden']>
  onQuantize: NonNullable<LoadOptions['onQuantize']>
  onWarning: (message: string) => void
  /** The function is told what is as meant and worth knowing. */
  onNote: (note: string) => void
  /** Rows of an evaluation: on a terminal all the time, elsewhere at every tenth. */
  onRows: (progress: RowProgress) => void
  /** Steps of learning, in the same way. */
  onSteps: (progress: { step: number; total: number; loss: number; secondsLeft: number }) => void
  /** Phases of a run, each in the same way; `name` says which one it is. */
  onPhase: (progress: PhaseShown) => void
  /** Takes the live line away. */
  clear: () => void
}

interface PhaseShown {
  name: string
  done: number
  total: number
  /** What is counted: answers, say. */
  unit: string
  secondsLeft: number | undefined
  /** A text that follows. @default none */
  more?: string | undefined
}

export function showProgress(context: Context): ProgressListeners {
  const { stderr } = context
  const paint = painter(context, stderr)
  const { live, clear, keep, replace } = liveLine(context)
  let announced = false
  let tenth: number | undefined
  let phase = ''

  const onTwin = (how: string, { file, bytes }: { file: string; bytes: number }) => {
    const line = `writing the weights ${how}, once: ${formatBytes(bytes)} to ${oneLine(file)}`
    if (live) replace(line)
    else keep(line)
  }

  return {
    clear,
    onWarning: (message) => {
      keep(`${paint('yellow', 'warning:')} ${oneLine(plainReasons(message))}`)
    },
    onNote: (note) => {
      keep(`${paint('dim', 'note:')} ${oneLine(note)}`)
    },
    onRows: ({ task, allDone, allTotal, secondsLeft }) => {
      const now = allTotal > 0 ? Math.floor((10 * allDone) / allTotal) : 10
      if (tenth === undefined && allDone > 0)
        keep(`continuing: ${allDone} of ${allTotal} rows were done before`)
      const left = secondsLeft === undefined ? '' : `, ${formatSeconds(secondsLeft)} left`
      const share = allTotal > 0 ? Math.floor((100 * allDone) / allTotal) : 100
      const line = `${String(share).padStart(3)} % of ${allTotal} rows, ${oneLine(task)}${left}`
      if (live) replace(line)
      else if (tenth !== undefined && now > tenth) keep(line)
      tenth = now
    },
    onSteps: ({ step, total, loss, secondsLeft }) => {
      const share = String(Math.floor((100 * step) / total)).padStart(3)
      const line = `${share} % of ${total} steps, loss ${loss.toFixed(4)}, ${formatSeconds(secondsLeft)} left`
      const now = Math.floor((10 * step) / total)
      if (live) replace(line)
      else if (now > (tenth ?? Math.floor((10 * (step - 1)) / total))) keep(line)
      tenth = now
    },
    onPhase: ({ name, done, total, unit, secondsLeft, more = '' }) => {
      const share = total > 0 ? done / total : 1
      const left = secondsLeft === undefined ? '' : `, ${formatSeconds(secondsLeft)} left`
      const count = `${total.toLocaleString('en')} ${unit}`
      const line = `${name}: ${String(Math.floor(100 * share)).padStart(3)} % of ${count}${left}${more}`
      const now = Math.floor(10 * share)
      if (live) replace(line)
      else if (now > (name === phase ? (tenth ?? 0) : 0)) keep(line)
      phase = name
      tenth = now
    },
    onWiden: (twin) => {
      onTwin('as float32', twin)
    },
    onQuantize: (twin) => {
      onTwin('in 4 bits', twin)
    },
    onDownload: ({ file, received, size, allReceived, allSize }) => {
      if (live) {
        const share = allSize > 0 ? Math.floor((100 * allReceived) / allSize) : 100
        replace(`downloading ${String(share).padStart(3)} % of ${formatBytes(allSize)}, ${oneLine(file)}`)
      } else if (!announced && received < size) {
        // Files of the cache are reported too, one after the other.
        keep(`downloading ${formatBytes(allSize - allReceived)} of ${formatBytes(allSize)}`)
        announced = true
      }
    },
  }
}

interface LiveLine {
  /** True if there is one: on a terminal that can write over it. */
  live: boolean
  clear: () => void
  keep: (line: string) => void
  replace: (line: string) => void
}

function liveLine(context: Context): LiveLine {
  const { stderr, environment } = context
  const paint = painter(context, stderr)
  let shown = false
  const clear = () => {
    if (shown) stderr.write('\r\u001b[K')
    shown = false
  }
  return {
    live: stderr.isTTY === true && environment.TERM !== 'dumb',
    clear,
    keep: (line) => {
      clear()
      stderr.write(`${line}\n`)
    },
    replace: (line) => {
      // A line that wraps cannot be taken back.
      const width = Math.max(1, (stderr.columns ?? 80) - 1)
      stderr.write(`\r${paint('dim', line.slice(0, width))}\u001b[K`)
      shown = true
    },
  }
}
