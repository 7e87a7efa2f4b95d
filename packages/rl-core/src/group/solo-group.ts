/** A group of one process, which has nobody to wait for. */
import type { ProcessGroup } from './process-group'

export const soloGroup: ProcessGroup = {
  rank: 0,
  size: 1,
  sum: () => Promise.resolve(),
  share: (value) => Promise.resolve(value),
  gather: (value) => Promise.resolve([value]),
  barrier: () => Promise.resolve(),
  abort: () => Promise.resolve(),
}
