/** The labelled questions of a JSON-lines or parquet file, one after the other. */
import { checkText } from '@evolmm/internal'
import { openRows } from '../rows/open-rows'
import { labelledQuestion, type LabelledQuestion } from './labelled-question'

/** Paths of images are relative to the file. Throws what `openRows` and `labelledQuestion` throw. */
export async function* readQuestions(file: string): AsyncGenerator<LabelledQuestion, void, undefined> {
  checkText('file', file)
  const rows = await openRows({ file })
  try {
    let index = 0
    for await (const row of rows.read(0, rows.length))
      yield labelledQuestion(row, { file, place: rows.placeOf(index++) })
  } finally {
    await rows.close()
  }
}
