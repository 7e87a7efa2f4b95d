/** The user's message as lmms-eval's model class gives it: every literal `<image>` is deleted from the text. */
import { rowImage, type DataRow } from '@evolmm/dataset'
import type { TaskPrompt } from '../task'

export function taskPrompt(text: string, row: DataRow, imageColumns: readonly string[]): TaskPrompt {
  return { text: text.replaceAll('<image>', ''), images: imageColumns.map((column) => rowImage(row, column)) }
}
