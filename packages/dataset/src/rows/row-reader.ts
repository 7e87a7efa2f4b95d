/** Rows of a data set in their order, of which only a few are held at a time. */

/** One row as it is stored. Integers are numbers, an image is `{ bytes, path }`, what is absent is null. */
export type DataRow = Readonly<Record<string, unknown>>

export interface RowReader {
  /** The number of rows. */
  readonly length: number
  /** The rows from `start` up to, not including, `end`. */
  read: (start: number, end: number) => AsyncGenerator<DataRow, void, undefined>
  /** The file of a row and its place in there, for messages. */
  placeOf: (row: number) => string
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
    placeOf: (row) => {
      let first = 0
      for (const reader of readers) {
        if (row < first + reader.length) return reader.placeOf(row - first)
        first += reader.length
      }
      return `row ${row}`
    },
    close: async () => {
      for (const reader of readers) await reader.close()
    },
  }
}
