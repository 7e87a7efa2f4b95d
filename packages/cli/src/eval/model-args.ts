/**
 * `--model_args`: the model's flags as lmms-eval writes them. `--model qwen2_5_vl --model_args pretrained=DIR,device=cpu`
 * is `--model DIR --device cpu`. A key that has a flag is read as that flag is.
 */
import type { Command } from 'commander'
import { EvolmmError } from '@evolmm/internal'
import { parsePairs } from './parse-pairs'

/** lmms-eval's names of the models that are run here. */
const kinds = ['qwen2_5_vl', 'qwen2_5_vl_our', 'evolmm']

const flagKeys = [
  ...['adapter', 'adapter_subfolder', 'revision', 'device', 'dtype', 'quantize', 'threads'],
  ...['cache_dir', 'min_pixels', 'max_pixels', 'system_prompt'],
]

/** Arguments that say how lmms-eval's own model computes, which changes no answer. */
const without = ['attn_implementation', 'device_map', 'use_cache', 'use_flash_attention_2']

/** Puts what `--model_args` says among the flags of `command`; returns the keys that mean nothing here. */
export function applyModelArgs(command: Command): string[] {
  const { model, model_args: value } = command.opts<{ model?: string; model_args?: string }>()
  const pairs = parsePairs('--model_args', value ?? '', ['pretrained', ...flagKeys, ...without])
  const pretrained = pairs.get('pretrained')
  if (model !== undefined && kinds.includes(model)) {
    if (pretrained === undefined)
      throw new EvolmmError(
        'INVALID_OPTION',
        `--model ${model}: must go with --model_args pretrained=<dir_or_id>, got none; name the checkpoint`,
      )
  } else if (model !== undefined && pretrained !== undefined && model !== pretrained)
    throw new EvolmmError(
      'INVALID_OPTION',
      `--model: must be one of ${kinds.join(', ')} beside pretrained=, got ${JSON.stringify(model)}; name the checkpoint in one place`,
    )
  if (pretrained !== undefined) set(command, 'model', pretrained)
  for (const key of flagKeys) {
    const text = pairs.get(key)
    if (text === undefined) continue
    const before: unknown = command.getOptionValue(key)
    set(command, key, key === 'device' ? text.replace(/^cuda:0$/, 'cuda') : text)
    if (before !== undefined && before !== command.getOptionValue(key))
      throw new EvolmmError(
        'INVALID_OPTION',
        `--model_args ${key}: must agree with --${key}, got ${JSON.stringify(text)}; give it in one place`,
      )
  }
  return without.filter((key) => pairs.has(key))
}

function set(command: Command, key: string, text: string): void {
  const option = command.options.find((one) => one.attributeName() === key)
  const parsed: unknown = option?.parseArg ? option.parseArg<unknown>(text, undefined) : text
  command.setOptionValue(key, parsed)
}
