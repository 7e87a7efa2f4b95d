/** What the model is asked about a row, as lmms-eval's model class sends it: images first, `<image>` deleted. */
import { createHash } from 'node:crypto'
import type { AnswerRequest } from '../answerer'
import type { Row, Task } from '../task'

export interface RequestOptions {
  system: string
  seed: number
}

export function buildRequest(
  task: Pick<Task, 'name' | 'prompt'>,
  row: Row,
  index: number,
  { system, seed }: RequestOptions,
): AnswerRequest {
  const { text, images } = task.prompt(row)
  return {
    prompt: text.replaceAll('<image>', ''),
    images,
    ...(system !== '' && { system }),
    // A function of the row alone, so that neither batches nor resuming change what is drawn.
    seed: [seed, createHash('sha256').update(task.name).digest().readUInt32LE(), index],
  }
}
