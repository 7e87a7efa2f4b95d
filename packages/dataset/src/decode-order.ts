/**
 * Runs tasks side by side, or one with no other beside it. libvips keeps its error texts in one place for the whole
 * process: a text can be ascribed to an image only while no other image of ours is being decoded.
 */

let lastAlone: Promise<unknown> = Promise.resolve()
const running = new Set<Promise<unknown>>()

/** Runs the task beside others of its kind, after all tasks that asked to be alone before it. */
export async function amongOthers<T>(task: () => Promise<T>): Promise<T> {
  let awaited
  do {
    awaited = lastAlone
    await awaited
  } while (awaited !== lastAlone)
  const run = task()
  running.add(run)
  try {
    return await run
  } finally {
    running.delete(run)
  }
}

/** Runs the task when all earlier ones have ended, and holds later ones back. Must not be called from within a task. */
export function alone<T>(task: () => Promise<T>): Promise<T> {
  const run = lastAlone.then(() => Promise.allSettled(running)).then(task)
  lastAlone = run.catch(() => undefined)
  return run
}
