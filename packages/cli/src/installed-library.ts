/** The one place where the commands meet `@evolmm/vlm`. */
import { downloadSnapshot, inspectRuntime, loadVlm } from '@evolmm/vlm'
import type { Library } from './library'

export const library: Library = { loadVlm, inspectRuntime, downloadSnapshot }
