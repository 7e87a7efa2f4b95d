/** Progress says how far a run is, and how long it will take at the rate of the rows of this call. */
import type { Journal } from './journal'

export interface Progress {
  task: string
  /** Rows of this task that are scored, and that there are. */
  done: number
  total: number
  /** The same over all tasks. */
  allDone: number
  allTotal: number
  /** Seconds since the call. */
  seconds: number
  /** Not known before the first rows are done. */
  secondsLeft?: number | undefined
}

interface TaskSpan {
  task: { name: string }
  start: number
  end: number
}

/** The function is told of rows of a task that are done. */
export type RowCounter = (task: string, rows: number) => void

export function progressMeter(
  parts: readonly TaskSpan[],
  records: Journal['records'],
  now: () => Date,
  onProgress: ((progress: Progress) => void) | undefined,
): RowCounter {
  const began = now().getTime()
  const allTotal = parts.reduce((sum, { start, end }) => sum + end - start, 0)
  const done = new Map(
    parts.map(({ task }) => {
      const found = [...(records.get(task.name)?.values() ?? [])]
      return [task.name, found.filter(({ score }) => score !== undefined).length]
    }),
  )
  const sum = () => [...done.values()].reduce((a, b) => a + b, 0)
  const before = sum()
  return (task, rows) => {
    done.set(task, (done.get(task) ?? 0) + rows)
    const part = parts.find((candidate) => candidate.task.name === task)
    const allDone = sum()
    const seconds = (now().getTime() - began) / 1000
    onProgress?.({
      task,
      done: done.get(task) ?? 0,
      total: part ? part.end - part.start : 0,
      allDone,
      allTotal,
      seconds,
      ...(allDone > before && { secondsLeft: (seconds / (allDone - before)) * (allTotal - allDone) }),
    })
  }
}
