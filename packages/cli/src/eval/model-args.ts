/**
 * `--model_args`: the model's flags as lmms-eval writes them. `--model KIND --model_args pretrained=DIR,device=cpu`
 * is `--model DIR --device cpu`. A key that has a flag is read as that flag is. The command of EvoLMM's README has an
 * adapter as `lora_path` beside the checkpoint as `base_model`.
 */
import { checkOneOf } from '@evolmm/internal'
import { lmmsEvalKinds } from '@evolmm/vlm'
import { EvolmmError } from '../errors'
import type { Flags } from '../settings-command'
import { parsePairs } from './parse-pairs'

/** lmms-eval's names of the models that are run here. */
const kinds = [...lmmsEvalKinds(), 'evolmm']

/** The flags by the keys that say the same. */
const flagOf: ReadonlyMap<string, string> = new Map([
  ...[
    ...['adapter', 'adapter_subfolder', 'revision', 'device', 'dtype', 'quantize', 'threads'],
    ...['cache_dir', 'min_pixels', 'max_pixels', 'system_prompt'],
  ].map((name) => [name, name] as const),
  ['lora_path', 'adapter'],
])

/** Arguments that say how lmms-eval's own model computes or what it makes of videos, which changes no answer. */
const without = [
  ...['attn_implementation', 'device_map', 'merge_lora', 'use_cache', 'use_flash_attention_2'],
  ...['fps', 'max_num_frames', 'use_custom_video_loader'],
]

const known = ['pretrained', 'base_model', 'interleave_visuals', ...flagOf.keys(), ...without]

/** The flags with what `--model_args` says among them. */
export function withModelArgs(flags: Flags): Flags {
  const { model, model_args: value } = flags
  const pairs = pairsOf(typeof value === 'string' ? value : '')
  checkInterleaving(pairs)
  const merged: Record<string, Flags[string]> = { ...flags, model: modelOf(model, checkpointOf(pairs)) }
  for (const [key, flag] of flagOf) {
    const text = pairs.get(key)
    if (text === undefined) continue
    if (merged[flag] !== undefined && merged[flag] !== text)
      throw new EvolmmError(
        'INVALID_OPTION',
        `--model_args ${key}: must agree with --${flag}, got ${JSON.stringify(text)}; give it in one place`,
      )
    merged[flag] = text
  }
  return merged
}

/** The keys that were given and mean nothing here. */
export function ignoredModelArgs(value: string | null): string[] {
  const pairs = pairsOf(value ?? '')
  const pretrained = pairs.get('pretrained')
  const replaced = pretrained !== undefined && pretrained !== checkpointOf(pairs)
  return [...(replaced ? ['pretrained'] : []), ...without.filter((key) => pairs.has(key))]
}

function pairsOf(value: string): Map<string, string> {
  return parsePairs('--model_args', value, known)
}

/** Images come before the text, so that what a command says of this can hold or not. */
function checkInterleaving(pairs: ReadonlyMap<string, string>): void {
  const interleaved = pairs.get('interleave_visuals')
  if (interleaved !== undefined)
    checkOneOf('--model_args interleave_visuals', interleaved.toLowerCase(), ['false'])
}

/** The base of an adapter is the checkpoint, as in the model class of EvoLMM; without an adapter there is a single one. */
function checkpointOf(pairs: ReadonlyMap<string, string>): string | undefined {
  const [pretrained, base] = [pairs.get('pretrained'), pairs.get('base_model')]
  if (base === undefined || base === pretrained) return pretrained
  if (pretrained !== undefined && !pairs.has('lora_path') && !pairs.has('adapter'))
    throw new EvolmmError(
      'INVALID_OPTION',
      `--model_args base_model: must go with lora_path= where pretrained= is something else, got ${JSON.stringify(base)} beside ${JSON.stringify(pretrained)}; name an adapter by lora_path=`,
    )
  return base
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
