/** The one place where the commands meet `@evolmm/vlm`. */
import { createRequire } from 'node:module'
import { downloadSnapshot, loadVlm } from '@evolmm/vlm'
import { inspectQuietly } from './inspect-quietly'
import type { Library } from './library'

export const library: Library = {
  loadVlm,
  downloadSnapshot,
  train: () => Promise.reject(new Error('training is not wired yet')),
  inspectRuntime: () => inspectQuietly(createRequire(import.meta.url).resolve('@evolmm/vlm')),
}
