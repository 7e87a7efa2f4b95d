/** The models that are known, by `model_type`. A new one is a folder here and one more line. */
import type { Architecture } from './backbone'
import { qwen2_5_vl } from './qwen2_5_vl/qwen2_5_vl'
import { qwen2_vl } from './qwen2_vl/qwen2_vl'

export type Architectures = ReadonlyMap<string, Architecture>

export const architectures: Architectures = new Map([
  ['qwen2_5_vl', qwen2_5_vl],
  ['qwen2_vl', qwen2_vl],
])
