/** The request about a row, as lmms-eval's model class sends it: images first, `<image>` deleted. */
import { createHash } from 'node:crypto'
import type { DataRow } from '@evolmm/dataset'
import type { SampleRequest } from '../ask'
import type { Task } from '../task'

export interface RowRequestOptions {
  /** An empty text leaves the system message to the model. */
  system_prompt: string
  seed: number
}

export function rowRequest(
  task: Pick<Task, 'name' | 'prompt'>,
  row: DataRow,
  index: number,
  { system_prompt: system, seed }: RowRequestOptions,
): SampleRequest {
  const { text, images } = task.prompt(row)
  return {
    prompt: text.replaceAll('<image>', ''),
    images,
    ...(system !== '' && { system }),
    // The seed is a function of the row alone, so that neither batches nor resuming change what is drawn.
    seed: [seed, createHash('sha256').update(task.name).digest().readUInt32LE(), index],
  }
}
