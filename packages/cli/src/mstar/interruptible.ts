/** Work that shows how far it is, and that Ctrl-C ends between two of its pieces. */
import type { Context } from '../context'
import { showProgress, type ProgressListeners } from '../progress'

export interface Interruptible {
  progress: ProgressListeners
  signal: AbortSignal
}

/** The exit code: 130 after Ctrl-C, or that of `tell`, which writes what came of the work. */
export async function interruptible<T extends { status: string }>(
  context: Context,
  work: (given: Interruptible) => Promise<T>,
  tell: (outcome: T) => Promise<void> | void,
): Promise<number> {
  const progress = showProgress(context)
  const interrupt = new AbortController()
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    const outcome = await work({ progress, signal: interrupt.signal })
    progress.clear()
    if (outcome.status === 'stopped') {
      context.stderr.write('stopped; the same command continues from here\n')
      return 130
    }
    await tell(outcome)
    return 0
  } finally {
    progress.clear()
    undo()
  }
}
