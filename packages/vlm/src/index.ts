export type { QwenConfig } from './backbones/qwen2_5_vl/config'
