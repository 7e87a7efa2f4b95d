/**
 * Writes a LoRA adapter in the layout of PEFT, for PEFT, vLLM and the hub. The folder appears whole or not at all.
 */
import { join } from 'node:path'
import { adapterLayouts, checkNumber, checkOneOf } from '@evolmm/internal'
import { publishFolder, writeSynced } from '@evolmm/internal/node'
import { writeSafetensors, type FloatType } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import { finiteWeight } from '../checkpoint/finite-weight'
import { adapterHome, type LoraTensors } from './read-peft'
import { valueHeadFile } from './value-head'

export interface WritePeftOptions {
  /** The tensors by canonical module name. Ranks and alphas may differ between modules. */
  tensors: ReadonlyMap<string, LoraTensors>
  /** The model that the adapter is for. */
  model: Pick<Backbone, 'modules' | 'names'>
  /** Hub id or path of the model that the adapter belongs to. */
  baseModel: string
  /** Revision of the base model. @default none */
  revision?: string
  /** Probability that training dropped an input. @default 0 */
  dropout?: number
  /** Module names as in transformers 5, or as before. @default 'current' */
  layout?: (typeof adapterLayouts)[number]
  /** An adapter of another name than `default` goes into a folder of that name within. @default 'default' */
  name?: string
  /** Type of the values in the file. @default 'float32' */
  dtype?: FloatType
  /** Replace a folder that has an `adapter_config.json`. @default false */
  overwrite?: boolean
  /** Files that are put beside the adapter, by name. @default none */
  companions?: ReadonlyMap<string, Uint8Array>
  /** Writes further files into the folder before it appears. @default none */
  more?: (folder: string) => Promise<void>
}

/** The version of PEFT whose layout this is. */
const peftVersion = '0.21.0'

/**
 * Throws `WOULD_OVERWRITE`, `UNWRITABLE_FILE`, `INVALID_ADAPTER` for tensors that are not the model's, or `NOT_FINITE` for
 * a number that is none.
 */
export async function writePeft(folder: string, options: WritePeftOptions): Promise<void> {
  const {
    tensors,
    model,
    name = 'default',
    layout = 'current',
    dtype = 'float32',
    overwrite = false,
  } = options
  checkOneOf('layout', layout, adapterLayouts)
  checkNumber('dropout', options.dropout ?? 0, { min: 0, below: 1 })
  if (!/^(?!\.)[\w.-]+$/.test(name))
    throw new EvolmmError(
      'INVALID_OPTION',
      `name: must be letters, digits, dots, dashes and underscores, got ${JSON.stringify(name)}; pass such a name`,
      { details: { option: 'name', value: name } },
    )
  checkTensors(tensors, model.modules)
  const stale = (file: string) => file === valueHeadFile
  const place = (module: string) => (layout === 'legacy' ? model.names.published(module) : module)
  const weights = [...tensors].flatMap(([module, { A, B, rank, inputSize, outputSize }]) => {
    const key = `base_model.model.${place(module)}`
    return [
      { name: `${key}.lora_A.weight`, shape: [rank, inputSize], values: A },
      { name: `${key}.lora_B.weight`, shape: [outputSize, rank], values: B },
    ]
  })
  await publishFolder(
    adapterHome(folder, name),
    { marker: 'adapter_config.json', overwrite, stale },
    async (aside) => {
      const finite = weights.map((weight) => finiteWeight(weight, dtype))
      await writeSafetensors(join(aside, 'adapter_model.safetensors'), finite, { dtype })
      await writeSynced(join(aside, 'README.md'), modelCard(options.baseModel))
      for (const [name, content] of options.companions ?? []) await writeSynced(join(aside, name), content)
      await options.more?.(aside)
      const config = adapterConfig(options, place)
      await writeSynced(join(aside, 'adapter_config.json'), `${JSON.stringify(config, null, 2)}\n`)
    },
  )
}

function adapterConfig(
  { tensors, model, baseModel, revision, dropout = 0 }: WritePeftOptions,
  place: (module: string) => string,
): Record<string, unknown> {
  const entries = [...tensors]
  const r = mostFrequent(entries.map(([, { rank }]) => rank))
  const alpha = mostFrequent(entries.map(([, lora]) => lora.alpha))
  const others = (value: (lora: LoraTensors) => number, common: number) =>
    Object.fromEntries(
      entries
        .filter(([, lora]) => value(lora) !== common)
        .map(([module, lora]) => [place(module), value(lora)]),
    )
  return {
    alpha_pattern: others((lora) => lora.alpha, alpha),
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    peft_version: peftVersion,
    r,
    rank_pattern: others(({ rank }) => rank, r),
    revision: revision ?? null,
    target_modules: targetModules([...tensors.keys()], [...model.modules.keys()], place),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  }
}

/**
 * PEFT gives an adapter to every module whose name ends in a target. The ends of names are short, but where they would
 * reach further than the adapter (gate_proj is in the vision blocks too), the targets are the full names.
 */
function targetModules(adapted: string[], modules: string[], place: (module: string) => string): string[] {
  const ends = new Set(adapted.map(endOf))
  const reached = modules.filter((module) => ends.has(endOf(module)))
  return (reached.length === adapted.length ? [...ends] : adapted.map(place)).sort()
}

/** `attn.proj` and `mlp.0` rather than `proj` and `0`, which are also ends of modules that are not linear. */
function endOf(module: string): string {
  const parts = module.split('.')
  return parts.slice(/^(?:proj|\d+)$/.test(parts.at(-1) ?? '') ? -2 : -1).join('.')
}

function checkTensors(tensors: WritePeftOptions['tensors'], modules: Backbone['modules']): void {
  if (tensors.size === 0) throw invalid('tensors', 'must be for one module or more, got none')
  for (const [module, { A, B, rank, inputSize, outputSize }] of tensors) {
    const [out, inputs] = modules.get(module) ?? []
    if (out !== outputSize || inputs !== inputSize)
      throw invalid(
        module,
        `must be a module of the model, [${outputSize}, ${inputSize}], got [${[out, inputs].join(', ')}]`,
      )
    if (A.length !== rank * inputSize || B.length !== outputSize * rank)
      throw invalid(
        module,
        `must have ${rank * inputSize} and ${outputSize * rank} values, got ${A.length} and ${B.length}`,
      )
  }
}

/** The first of those that occur most often. */
function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0]
}

function modelCard(baseModel: string): string {
  return `---
base_model: ${JSON.stringify(baseModel)}
library_name: peft
tags:
- lora
---

A LoRA adapter for ${baseModel}, written by evolmm. Load it with PEFT:

\`\`\`python
from peft import PeftModel
model = PeftModel.from_pretrained(base_model, "path/to/this/folder")
\`\`\`
`
}

function invalid(module: string, rule: string): EvolmmError {
  return new EvolmmError('INVALID_ADAPTER', `${module}: ${rule}; pass the adapter of this model`, {
    details: { module },
  })
}
