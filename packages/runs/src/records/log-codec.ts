/** The form in which records of a method lie in a file of JSON lines. */
import type { StepRecord } from './record'
import { numbersAsText, textAsNumbers } from './log-numbers'

/** What every line has, whatever else its method writes. */
export interface LogLine {
  schema_version?: number
  step: number
}

/** Each line is an object of its own; `L` is how it looks when it is whole. */
export interface LogCodec<R, L extends LogLine = LogLine> {
  /** The name of the file in the folder of a run. */
  file: string
  /** A record's lines in order, one or more. */
  toLines(record: R): readonly L[]
  /** The record that lines were made of. */
  fromLines(lines: readonly [L, ...L[]]): R
  /** `false` for a line that lacks something that `fromLines` needs. */
  isWhole(line: Partial<L>): boolean
  /** The place of a line among those of its record, from 0, and how many these are. @default the only one */
  placeOf?(line: L): { place: number; count: number }
}

/**
 * A line for each record, with its fields as they are called there. JSON has no NaN and no infinities: they are written
 * as text ("NaN", "Infinity", "-Infinity"), and such a text is read back as the number. `isWhole` may look at a line; by
 * default any is whole.
 */
export function jsonLines<R extends StepRecord>(
  file: string,
  isWhole: LogCodec<R>['isWhole'] = () => true,
): LogCodec<R> {
  return {
    file,
    toLines: (record) => [numbersAsText(record) as LogLine],
    fromLines: ([line]) => textAsNumbers(line) as R,
    isWhole,
  }
}
