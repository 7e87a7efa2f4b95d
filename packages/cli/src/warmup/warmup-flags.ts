/** Flags of `evolmm warmup` as they are read. */
import type { ModelFlags, PromptFlags } from '../options'

export interface WarmupFlags extends ModelFlags, Pick<PromptFlags, 'min_pixels' | 'max_pixels' | 'system'> {
  data: string
  freeze_vision: boolean
  use_lora?: boolean
  lora_r: number
  lora_alpha: number
  lora_dropout: number
  lora_targets?: string
  total_steps: number
  batch_size: number
  lr: number
  min_lr: number
  warmup_steps: number
  lr_scheduler: 'constant' | 'linear' | 'cosine'
  weight_decay: number
  beta1: number
  beta2: number
  grad_clip: number
  seed: number
  output_dir: string
  save_every: number
}
