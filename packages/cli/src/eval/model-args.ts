/**
 * `--model_args`: the model's flags as lmms-eval writes them. `--model qwen2_5_vl --model_args pretrained=DIR,device=cpu`
 * is `--model DIR --device cpu`. A key that has a flag is read as that flag is.
 */
import { lmmsEvalKinds } from '@evolmm/vlm'
import { EvolmmError } from '../errors'
import type { Flags } from '../settings-command'
import { parsePairs } from './parse-pairs'

/** lmms-eval's names of the models that are run here. */
const kinds = [...lmmsEvalKinds(), 'evolmm']

const flagKeys = [
  ...['adapter', 'adapter_subfolder', 'revision', 'device', 'dtype', 'quantize', 'threads'],
  ...['cache_dir', 'min_pixels', 'max_pixels', 'system_prompt'],
]

/** Arguments that say how lmms-eval's own model computes, which changes no answer. */
const without = ['attn_implementation', 'device_map', 'use_cache', 'use_flash_attention_2']

/** The flags with what `--model_args` says among them. */
export function withModelArgs(flags: Flags): Flags {
  const { model, model_args: value } = flags
  const pairs = pairsOf(typeof value === 'string' ? value : '')
  const merged: Record<string, Flags[string]> = { ...flags, model: modelOf(model, pairs.get('pretrained')) }
  for (const key of flagKeys) {
    const text = pairs.get(key)
    if (text === undefined) continue
    if (merged[key] !== undefined && merged[key] !== text)
      throw new EvolmmError(
        'INVALID_OPTION',
        `--model_args ${key}: must agree with --${key}, got ${JSON.stringify(text)}; give it in one place`,
      )
    merged[key] = text
  }
  return merged
}

/** The keys that were given and mean nothing here. */
export function ignoredModelArgs(value: string | null): string[] {
  const pairs = pairsOf(value ?? '')
  return without.filter((key) => pairs.has(key))
}

function pairsOf(value: string): Map<string, string> {
  return parsePairs('--model_args', value, ['pretrained', ...flagKeys, ...without])
}

function modelOf(model: Flags[string], pretrained: string | undefined): Flags[string] {
  if (typeof model !== 'string') return pretrained
  if (kinds.includes(model) && pretrained === undefined)
    throw new EvolmmError(
      'INVALID_OPTION',
      `--model ${model}: must go with --model_args pretrained=<dir_or_id>, got none; name the checkpoint`,
    )
  if (pretrained !== undefined && !kinds.includes(model) && model !== pretrained)
    throw new EvolmmError(
      'INVALID_OPTION',
      `--model: must be one of ${kinds.join(', ')} beside pretrained=, got ${JSON.stringify(model)}; name the checkpoint in one place`,
    )
  return pretrained ?? model
}
