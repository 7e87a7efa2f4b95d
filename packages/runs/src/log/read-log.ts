/** The records of a run, as its log has them. */
import { checkObject, checkText } from '@evolmm/internal'
import type { StepRecord } from '../records/record'
import type { RecordKind } from '../records/record-kind'
import { fromLogNumbers } from '../records/log-numbers'
import { codecOf, scanLog, type StoredLine } from './scan-log'

/**
 * The records of the run in `folder`, from step 1, read as a stream each time they are iterated. An iteration that was
 * being written when the process was killed is left out. Throws `LOG_NOT_FOUND`, `LOG_DAMAGED` or `LOG_VERSION` while it
 * is read.
 */
export function readLog<R extends StepRecord>(
  folder: string,
  kind: Pick<RecordKind<R>, 'log'>,
): AsyncIterable<R> {
  checkText('folder', folder)
  checkObject('kind', kind)
  return { [Symbol.asyncIterator]: () => records(folder, kind) }
}

async function* records<R extends StepRecord>(
  folder: string,
  kind: Pick<RecordKind<R>, 'log'>,
): AsyncGenerator<R, undefined> {
  const codec = codecOf(kind)
  for await (const { lines } of scanLog(folder, kind)) {
    const record = codec.fromLines(lines)
    yield withMetrics(record, lines[0])
  }
  return undefined
}

function withMetrics<R extends StepRecord>(record: R, { metrics }: StoredLine): R {
  return metrics === undefined ? record : { ...record, metrics: fromLogNumbers(metrics) }
}
