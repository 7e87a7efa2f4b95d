/** What `evolmm eval` was told, as far as a model is asked: the settings with what they need read out of their texts. */
import type { EvalSettings, evalSettings, GenerationOverrides } from '@evolmm/eval'
import type { Source, ValuesOf } from '@evolmm/settings'

export interface EvalRequest extends ValuesOf<typeof evalSettings> {
  model: string
  tasks: string
  sources: Readonly<Record<keyof EvalSettings & string, Source>>
  generation: GenerationOverrides
  json: boolean
}
