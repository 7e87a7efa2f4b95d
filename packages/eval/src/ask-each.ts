/**
 * A question that cannot be asked because of what it holds, an image too large for memory for instance, is not the fault
 * of the others: it is left out with its reason, and the measurement goes on.
 */
import { EvolmmError, type EvalErrorCode } from './errors'

const ofOneQuestion: ReadonlySet<EvalErrorCode> = new Set<EvalErrorCode>([
  'MEMORY_EXCEEDED',
  'PROMPT_TOO_LONG',
  'IMAGE_SIZE_UNSUPPORTED',
  'IMAGE_TOO_NARROW',
  'IMAGE_UNREADABLE',
])

/** Why a question was not asked. */
export interface Refusal {
  refused: EvolmmError
}

/**
 * What `ask` gives for each of a batch, or why it was refused. Where a batch is refused, its halves are asked: it may be
 * too much together, and only one of it may be at fault. Other errors are thrown.
 */
export async function askEach<T, R extends object>(
  batch: readonly T[],
  ask: (part: readonly T[]) => Promise<readonly R[]>,
): Promise<(R | Refusal)[]> {
  if (batch.length === 0) return []
  try {
    return [...(await ask(batch))]
  } catch (error) {
    if (!(error instanceof EvolmmError) || !ofOneQuestion.has(error.code)) throw error
    if (batch.length === 1) return [{ refused: error }]
  }
  const half = Math.ceil(batch.length / 2)
  return [...(await askEach(batch.slice(0, half), ask)), ...(await askEach(batch.slice(half), ask))]
}

export function isRefusal(outcome: object): outcome is Refusal {
  return 'refused' in outcome
}
