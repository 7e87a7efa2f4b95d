/** Rows of a data set in their order, of which only a few are held at a time. */
import type { Row } from '../task'

export interface RowReader {
  /** Rows. */
  readonly length: number
  /** Rows `start` up to, not including, `end`. The bytes of a row are good until the next one is asked for. */
  read: (start: number, end: number) => AsyncGenerator<Row, void, undefined>
  close: () => Promise<void>
}

/** Several readers one after the other. */
export function concatReaders(readers: readonly RowReader[]): RowReader {
  return {
    length: readers.reduce((sum, { length }) => sum + length, 0),
    async *read(start, end) {
      let first = 0
      for (const reader of readers) {
        const from = Math.max(start - first, 0)
        const to = Math.min(end - first, reader.length)
        if (from < to) yield* reader.read(from, to)
        first += reader.length
      }
    },
    close: async () => {
      for (const reader of readers) await reader.close()
    },
  }
}
