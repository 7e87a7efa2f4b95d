import { readLog } from '@evolmm/runs'
import { evolmm, type IterationRecord } from '../../src/index'

/** What must be the same in every run of the same settings. */
export function timeless(record: IterationRecord): Omit<IterationRecord, 'seconds'> {
  return { ...record, seconds: undefined } as Omit<IterationRecord, 'seconds'>
}

/** The whole log of a run without wall times. */
export async function timelessLog(folder: string): Promise<Omit<IterationRecord, 'seconds'>[]> {
  const records: Omit<IterationRecord, 'seconds'>[] = []
  for await (const record of readLog(folder, evolmm)) records.push(timeless(record))
  return records
}
