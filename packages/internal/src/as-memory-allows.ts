/** Work on several things at once, in parts where memory has no room for all of them. */
import { EvolmmError } from './evolmm-error'

/** What is said before it is begun, and what a device says that had no room after all. */
const tooMuch: ReadonlySet<string> = new Set(['MEMORY_EXCEEDED', 'DEVICE_FAILED'])

/** What `run` gives for all, in their order: in one call, or in halves, and halves of these, where one is too much. */
export async function asMemoryAllows<T, R>(
  all: readonly T[],
  run: (part: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  try {
    return [...(await run(all))]
  } catch (error) {
    if (!(error instanceof EvolmmError) || !tooMuch.has(error.code) || all.length < 2) throw error
  }
  const half = Math.ceil(all.length / 2)
  return [...(await asMemoryAllows(all.slice(0, half), run)), ...(await asMemoryAllows(all.slice(half), run))]
}
