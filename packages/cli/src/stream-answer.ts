/** An answer for a person: text as it comes. Ctrl-C ends it between two tokens. */
import type { SamplingOptions } from '@evolmm/vlm'
import { printable, type Context } from './context'
import type { PreparedPrompt } from './with-model'

/** The answer is written as it comes; what is returned is the exit code. */
export async function streamAnswer(
  { stdout, onInterrupt }: Context,
  { vlm, prompt }: Pick<PreparedPrompt, 'vlm' | 'prompt'>,
  sampling: SamplingOptions & { seed: number },
): Promise<number> {
  const interrupt = new AbortController()
  const undo = onInterrupt(() => {
    interrupt.abort()
  })
  const { signal } = interrupt
  let last = ''
  try {
    for await (const piece of vlm.stream({ ...sampling, prompt, signal })) {
      if (signal.aborted) break
      if (piece === '') continue
      stdout.write(printable(piece, stdout))
      last = piece
    }
  } catch (error) {
    if (!signal.aborted) {
      if (last !== '') stdout.write('\n')
      throw error
    }
  } finally {
    undo()
  }
  if (signal.aborted || !last.endsWith('\n')) stdout.write('\n')
  return signal.aborted ? 130 : 0
}
