/** The user's turn as lmms-eval's model class gives it: every literal `<image>` is deleted from the text. */
import { rowImage } from '../data/row-image'
import type { Row, TaskPrompt } from '../task'

/** Columns without an image are left out. */
export function taskPrompt(text: string, row: Row, imageColumns: readonly string[]): TaskPrompt {
  const images = imageColumns.flatMap((column) => {
    const cell = row[column] ?? undefined
    return cell === undefined ? [] : [rowImage(cell, column)]
  })
  return { text: text.replaceAll('<image>', ''), images }
}
