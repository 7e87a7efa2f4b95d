/** What a method says of one iteration: plain data, of which a run itself needs no more than this. */
export interface StepRecord {
  /** The number of the iteration, from 1. */
  step: number
  /** Numbers of the evaluation probe by name, in iterations that ran it. */
  probe?: Readonly<Record<string, number>> | null
  /** Numbers that the log kept since nothing else in the record has them, by name: records that were read have it. */
  metrics?: Readonly<Record<string, number>>
}
