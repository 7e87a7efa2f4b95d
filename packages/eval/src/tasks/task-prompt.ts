/** The user's message as lmms-eval's model class gives it: every literal `<image>` is deleted from the text. */
import { rowImage } from '../data/row-image'
import type { Row, TaskPrompt } from '../task'

export function taskPrompt(text: string, row: Row, imageColumns: readonly string[]): TaskPrompt {
  return { text: text.replaceAll('<image>', ''), images: imageColumns.map((column) => rowImage(row, column)) }
}
