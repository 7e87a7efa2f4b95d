/** The one place where the commands meet `@evolmm/vlm`. */
import { createRequire } from 'node:module'
import { chooseDevice, loadVlm } from '@evolmm/vlm'
import { inspectQuietly } from './inspect-quietly'
import { runTrain } from './train/run-train'
import type { Library } from './library'

export const library: Library = {
  loadVlm,
  chooseDevice,
  train: runTrain,
  inspectRuntime: () => inspectQuietly(createRequire(import.meta.url).resolve('@evolmm/vlm')),
}
