/**
 * Reads a LoRA adapter in the layout of PEFT: `adapter_config.json` and `adapter_model.safetensors`, in the folder
 * itself or, for a named adapter, in a folder of that name within. Both trees of module names are read. Python loads an
 * adapter whose keys match nothing without a word, as one that does nothing; here each key must find its module, and
 * what we do not implement is refused.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findNotFinite } from '@evolmm/internal'
import { isThere, readSmallText, unreadable } from '@evolmm/internal/node'
import {
  isFloatTensor,
  openSafetensors,
  readTensor,
  type FloatType,
  type StoredTensor,
} from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import { parsePeftConfig, patternValue, type PeftConfig } from './peft-config'

/** The two factors that one module got: its output gains `alpha / rank * B A x`. */
export interface LoraTensors {
  /** The matrix that comes first, `[rank, inputSize]`, row-major. */
  A: Float32Array
  /** The matrix that comes second, `[outputSize, rank]`, row-major. */
  B: Float32Array
  rank: number
  alpha: number
  inputSize: number
  outputSize: number
}

export interface PeftAdapter {
  config: PeftConfig
  /** The tensors by canonical module name, in the order of the model. */
  tensors: Map<string, LoraTensors>
}

export interface ReadPeftOptions {
  /** The model that the adapter is for. */
  model: Pick<Backbone, 'modules' | 'names'>
  /** The adapter's name in the folder; `default` lies in the folder itself. @default 'default' */
  adapterName?: string
}

type Factor = StoredTensor<FloatType>

/** Throws `UNREADABLE_FILE`, `INVALID_SAFETENSORS`, `INVALID_ADAPTER`, or `UNSUPPORTED_ADAPTER` for what we lack. */
export async function readPeft(
  folder: string,
  { model, adapterName = 'default' }: ReadPeftOptions,
): Promise<PeftAdapter> {
  const home = adapterHome(folder, adapterName)
  const file = join(home, 'adapter_config.json')
  if (!(await isThere(file))) throw await noAdapter(folder, adapterName, file)
  const { config, ranks, alphas } = parsePeftConfig(await readSmallText(file).catch(unreadable(file)), file)
  const weights = join(home, 'adapter_model.safetensors')
  const factors = await readFactors(weights, model)
  const tensors = new Map<string, LoraTensors>()
  for (const [module, [outputSize, inputSize]] of model.modules) {
    const pair = factors.get(module)
    if (pair === undefined) continue
    const rank = patternValue(ranks, model, module) ?? config.rank
    const alpha = patternValue(alphas, model, module) ?? config.alpha
    const [a, b] = (['A', 'B'] as const).map((side) => {
      const factor = pair[side]
      const twin = pair[side === 'A' ? 'B' : 'A']
      if (factor === undefined)
        throw invalid(weights, `${quote(twin?.name ?? '')} must have its lora_${side} beside it, got none`)
      const shape = side === 'A' ? [rank, inputSize] : [outputSize, rank]
      if (factor.shape.join() !== shape.join())
        throw invalid(
          weights,
          `${quote(factor.name)} must have shape [${shape.join(', ')}], got [${factor.shape.join(', ')}]`,
        )
      return factor
    })
    const scale = config.rankStabilized ? Math.sqrt(rank) : 1
    tensors.set(module, {
      A: await readFactor(weights, a),
      B: await readFactor(weights, b),
      rank,
      alpha: alpha * scale,
      inputSize,
      outputSize,
    })
  }
  if (tensors.size === 0)
    throw invalid(weights, 'must hold an adapter for one module or more, got no tensors')
  return { config, tensors }
}

/** The folder of the adapter of that name. */
export function adapterHome(folder: string, name: string): string {
  return name === 'default' ? folder : join(folder, name)
}

async function readFactors(
  file: string,
  { modules, names }: ReadPeftOptions['model'],
): Promise<Map<string, { A?: Factor; B?: Factor }>> {
  const factors = new Map<string, { A?: Factor; B?: Factor }>()
  const strangers: string[] = []
  for (const [key, tensor] of await openSafetensors({ files: [file] })) {
    const match = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(key)
    const module = names.canonical(match?.[1] ?? '')
    const side = match?.[2] as 'A' | 'B' | undefined
    if (side === undefined || !modules.has(module)) {
      strangers.push(key)
      continue
    }
    if (!isFloatTensor(tensor))
      throw invalid(file, `${quote(key)} must be float32, float16 or bfloat16, got ${tensor.dtype}`)
    const pair = factors.get(module) ?? {}
    const twin = pair[side]
    if (twin !== undefined)
      throw invalid(file, `${quote(key)} must be there once, got ${quote(twin.name)} too`)
    pair[side] = tensor
    factors.set(module, pair)
  }
  if (strangers.length > 0) {
    const listed = strangers.slice(0, 5).map(quote).join(', ')
    const more = strangers.length > 5 ? ` and ${strangers.length - 5} more` : ''
    throw invalid(file, `keys must be LoRA factors of the model's linear modules, got ${listed}${more}`)
  }
  return factors
}

async function readFactor(file: string, factor: Factor): Promise<Float32Array> {
  const { data } = await readTensor(factor)
  const at = findNotFinite(data)
  if (at === -1) return data
  throw invalid(file, `${quote(factor.name)} must hold finite numbers, got ${data[at]} at place ${at}`)
}

async function noAdapter(folder: string, adapterName: string, file: string): Promise<EvolmmError> {
  const entries = await readdir(folder).catch(unreadable(folder))
  const others: string[] = []
  for (const name of entries) if (await isThere(join(folder, name, 'adapter_config.json'))) others.push(name)
  const there = others.length > 0 ? `got adapters named ${others.sort().join(', ')}` : 'got no adapter'
  return new EvolmmError(
    'INVALID_ADAPTER',
    `${file}: must be there for adapter ${quote(adapterName)}, ${there}; check the folder or name another`,
    { details: { folder, adapterName, others } },
  )
}

function quote(text: string): string {
  return JSON.stringify(text)
}

function invalid(file: string, rule: string): EvolmmError {
  return new EvolmmError('INVALID_ADAPTER', `${file}: ${rule}; use an adapter that was made for this model`, {
    details: { file },
  })
}
