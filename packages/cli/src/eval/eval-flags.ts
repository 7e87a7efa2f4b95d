/** The flags of `evolmm eval` as they are read. */
import type { GenerationOverrides, ScoringMode } from '@evolmm/eval'
import type { ScorerName } from '@evolmm/rewards'
import type { PromptFlags } from '../options'

export interface EvalFlags extends Omit<PromptFlags, 'prompt' | 'image' | 'system'> {
  model_args?: string
  system_prompt?: string
  tasks: string
  /** Infinity for all. */
  limit?: number
  offset: number
  batch_size: number
  gen_kwargs?: GenerationOverrides
  seed: number
  scorer: ScorerName
  include_path?: string
  data_dir?: string
  data_revision?: string
  mode: ScoringMode
  judge_url?: string
  judge_model?: string
  output_path?: string
  log_samples: boolean
  log_samples_suffix?: string
  predict_only?: boolean
  with_base?: boolean
  breakdown?: boolean
  /** Answers drawn to each question. */
  diagnose?: number
  compare?: string[]
  json?: boolean
}
