/** The one place where the commands meet `@evolmm/vlm`. */
import { loadVlm } from '@evolmm/vlm'
import { EvolmmError } from '@evolmm/internal'
import type { Library } from './library'

/** Stand-ins for what the library does not have yet; its own members replace them as soon as they exist. */
export const library: Library = {
  loadVlm: async (idOrFolder, { device = 'auto', dtype = 'float32', ...options }) => {
    if ((device !== 'auto' && device !== 'cpu') || dtype !== 'float32')
      throw missing(`${device} with ${dtype}`)
    const vlm = await loadVlm(idOrFolder, options)
    return {
      loadAdapter: () => Promise.reject(missing('--adapter')),
      ...vlm,
    }
  },
  inspectRuntime: () => Promise.reject(missing('doctor')),
}

function missing(what: string): EvolmmError {
  return new EvolmmError(
    'NOT_SUPPORTED',
    `${what}: must be supported, got a version that is not; use a later one`,
  )
}
