/** `adapter_config.json` of PEFT: the fields that matter to us, and those that must have their neutral value. */
import { parseJson } from '@evolmm/internal'
import { z } from 'zod'
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import { namePattern } from './name-pattern'

export interface PeftConfig {
  rank: number
  /**
   * The value of the file; `LoraTensors.alpha` has the square root of the rank multiplied in where `rankStabilized`.
   */
  alpha: number
  /** Probability that training drops an input. */
  dropout: number
  /** Names that modules end in, a regular expression, or nothing. */
  targetModules: readonly string[] | string | undefined
  /** The adapter was trained with a scale of `alpha / sqrt(rank)`. */
  rankStabilized: boolean
  baseModel: string | undefined
  revision: string | undefined
}

/** Values for modules that differ from the rest, by pattern, in the order of the file. */
export type Patterns = readonly (readonly [matches: (name: string) => boolean, value: number])[]

/** A field that may be left out; null says the same. */
const optional = <T>(type: z.ZodType<T>) =>
  type.nullish().transform((value) => (value === null ? undefined : value))

const schema = z.object({
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  lora_dropout: optional(z.number().min(0).lt(1)),
  target_modules: optional(z.union([z.array(z.string()), z.string()])),
  use_rslora: optional(z.boolean()),
  base_model_name_or_path: optional(z.string()),
  revision: optional(z.string()),
  rank_pattern: optional(z.record(z.string(), z.int().min(1))),
  alpha_pattern: optional(z.record(z.string(), z.number().positive())),
})

/** Each changes what the adapter computes in a way that we do not implement; neutral when absent, null, false or empty. */
const refused = [
  'use_dora',
  'use_qalora',
  'use_bdlora',
  'lora_bias',
  'fan_in_fan_out',
  'modules_to_save',
  'trainable_token_indices',
  'target_parameters',
  'layer_replication',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
  'velora_config',
]

/** The ways to start training that leave the base weights as they are. */
const initializations: unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal']

export function parsePeftConfig(
  text: string,
  file: string,
): { config: PeftConfig; ranks: Patterns; alphas: Patterns } {
  let json: unknown
  try {
    json = parseJson(text)
  } catch (cause) {
    throw invalid(file, `must be JSON, got ${(cause as SyntaxError).message}`)
  }
  const raw = check(file, z.record(z.string(), z.unknown()), json)
  checkImplemented(file, raw)
  const fields = check(file, schema, raw)
  return {
    config: {
      rank: fields.r,
      alpha: fields.lora_alpha,
      dropout: fields.lora_dropout ?? 0,
      targetModules: fields.target_modules,
      rankStabilized: fields.use_rslora ?? false,
      baseModel: fields.base_model_name_or_path,
      revision: fields.revision,
    },
    ranks: compile(file, 'rank_pattern', fields.rank_pattern ?? {}),
    alphas: compile(file, 'alpha_pattern', fields.alpha_pattern ?? {}),
  }
}

/** The value of the first pattern that `module` matches, under its present or its former name. */
export function patternValue(
  patterns: Patterns,
  { names }: Pick<Backbone, 'names'>,
  module: string,
): number | undefined {
  const former = names.published(module)
  return patterns.find(([pattern]) => pattern(module) || pattern(former))?.[1]
}

/** Steps that matching all patterns of a field with all modules may take: those of a published adapter take a thousandth. */
const mostSteps = 2 ** 28

/** The patterns match as PEFT's do: the whole name or what follows one of its dots. */
function compile(file: string, field: string, patterns: Record<string, number>): Patterns {
  let steps = 0
  const spend = (count: number) => {
    steps += count
    if (steps > mostSteps)
      throw invalid(file, `${field}: must be patterns that match in a short time, got others`)
  }
  return Object.entries(patterns).map(([pattern, value]) => {
    try {
      const matches = namePattern(`(?:.*\\.)?(?:${pattern})`)
      return [(name: string) => matches(name, spend), value] as const
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      const shown = JSON.stringify(pattern.slice(0, 100))
      throw invalid(
        file,
        `${field}: must have simple regular expressions as keys, got ${shown}, in which ${why}`,
      )
    }
  })
}

function checkImplemented(file: string, raw: Record<string, unknown>): void {
  if (raw.peft_type !== 'LORA') throw unsupported(file, 'peft_type', 'LORA', raw.peft_type)
  if (raw.bias !== undefined && raw.bias !== null && raw.bias !== 'none')
    throw unsupported(file, 'bias', 'none', raw.bias)
  if (!initializations.includes(raw.init_lora_weights))
    throw unsupported(file, 'init_lora_weights', 'one that leaves base weights alone', raw.init_lora_weights)
  for (const field of refused) {
    const value = raw[field]
    const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
    if (value !== undefined && value !== null && value !== false && !empty)
      throw unsupported(file, field, 'absent or empty', value)
  }
}

function check<T>(file: string, type: z.ZodType<T>, value: unknown): T {
  const result = type.safeParse(value)
  if (result.success) return result.data
  const [{ path, message }] = result.error.issues as [z.core.$ZodIssue]
  throw invalid(file, `${path.join('.') || 'the file'}: ${message}`)
}

function unsupported(file: string, field: string, rule: string, value: unknown): EvolmmError {
  const got = value === undefined ? 'none' : JSON.stringify(value).slice(0, 100)
  return new EvolmmError(
    'UNSUPPORTED_ADAPTER',
    `${file}: ${field} must be ${rule}, got ${got}; merge such an adapter into its base model with PEFT first`,
    { details: { file, field, value } },
  )
}

function invalid(file: string, rule: string): EvolmmError {
  return new EvolmmError('INVALID_ADAPTER', `${file}: ${rule}; write the adapter again`, {
    details: { file },
  })
}
