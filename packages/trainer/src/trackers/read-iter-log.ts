/** The records of a run, as its log has them. */
import type { IterationRecord } from '../record'
import { fromLines } from './iter-log-line'
import { scanIterLog } from './scan-iter-log'

/**
 * The records of the run in `folder`, from step 1, read as a stream each time they are iterated. An iteration that was
 * being written when the process was killed is left out. Throws `ITER_LOG_NOT_FOUND`, `ITER_LOG_DAMAGED` or
 * `ITER_LOG_VERSION` while it is read.
 */
export function readIterLog(folder: string): AsyncIterable<IterationRecord> {
  return { [Symbol.asyncIterator]: () => records(folder) }
}

async function* records(folder: string): AsyncGenerator<IterationRecord, undefined> {
  for await (const { lines } of scanIterLog(folder)) yield fromLines(lines)
  return undefined
}
