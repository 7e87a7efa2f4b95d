/**
 * What a checkpoint says about generating: where to stop, and the sampling settings that transformers would silently
 * apply. Those are reported, never applied: whoever samples says how.
 */
import { join } from 'node:path'
import { isObject } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { Tokenizer } from './load-tokenizer'
import { damaged, readOptionalJson, type JsonObject } from '../checkpoint/read-checkpoint-file'

export interface GenerationConfig {
  /** Ids that end a completion, at least one, ascending. */
  stopTokens: number[]
  /** The checkpoint's own settings, where it has any. */
  samplingDefaults: {
    doSample?: boolean
    temperature?: number
    topK?: number
    topP?: number
    repetitionPenalty?: number
  }
}

export interface ReadGenerationConfigOptions {
  /** The folder that the checkpoint is in. */
  folder: string
  tokenizer: Pick<Tokenizer, 'tokenId' | 'namedTokens' | 'vocabularySize'>
  /** Tokens that end a completion whatever the files say. @default none */
  stopTokens?: readonly string[] | undefined
}

/**
 * Stop tokens are the `eos_token_id` of `generation_config.json`, else of `config.json`, else the tokenizer's
 * `eos_token`, and those of the options. Throws `STOP_TOKEN_NOT_FOUND`, `TOKENIZER_MISMATCH` or
 * `CHECKPOINT_FILE_DAMAGED`.
 */
export async function readGenerationConfig(options: ReadGenerationConfigOptions): Promise<GenerationConfig> {
  const { folder, tokenizer } = options
  const name = 'generation_config.json'
  const settings = (await readOptionalJson(folder, name)) ?? {}
  const file = join(folder, name)
  const named = readStopTokens(file, settings) ?? (await stopTokensOfModel(folder)) ?? stopTokensOf(tokenizer)
  const own = (options.stopTokens ?? []).flatMap((token) => tokenizer.tokenId(token) ?? [])
  const stopTokens = [...new Set([...(named ?? []), ...own])].sort((a, b) => a - b)
  if (stopTokens.length === 0)
    throw new EvolmmError(
      'STOP_TOKEN_NOT_FOUND',
      `checkpoint ${folder}: must name a token that ends a completion, got none; set eos_token_id in ${name}`,
      { details: { folder } },
    )
  const unknown = stopTokens.find((id) => id >= tokenizer.vocabularySize)
  if (unknown !== undefined)
    throw new EvolmmError(
      'TOKENIZER_MISMATCH',
      `checkpoint ${folder}: stop tokens must be tokens, got id ${unknown} of ${tokenizer.vocabularySize}; ` +
        'use the tokenizer and the configuration of one checkpoint',
      { details: { folder, id: unknown } },
    )
  return { stopTokens, samplingDefaults: readSampling(file, settings) }
}

async function stopTokensOfModel(folder: string): Promise<number[] | undefined> {
  const config = (await readOptionalJson(folder, 'config.json')) ?? {}
  const file = join(folder, 'config.json')
  const text = config.text_config
  return readStopTokens(file, config) ?? (isObject(text) ? readStopTokens(file, text) : undefined)
}

function stopTokensOf(tokenizer: ReadGenerationConfigOptions['tokenizer']): number[] | undefined {
  const id = tokenizer.tokenId(tokenizer.namedTokens.eos_token ?? '')
  return id === undefined ? undefined : [id]
}

function readStopTokens(file: string, settings: JsonObject): number[] | undefined {
  const value = settings.eos_token_id
  if (value === undefined || value === null) return undefined
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  if (ids.length === 0 || !ids.every(isId))
    throw damaged(file, `eos_token_id must be a token id or a list of them, got ${JSON.stringify(value)}`)
  return ids
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function readSampling(file: string, settings: JsonObject): GenerationConfig['samplingDefaults'] {
  const read = <T>(key: string, type: 'number' | 'boolean', field: string) => {
    const value = settings[key]
    if (value === undefined || value === null) return {}
    if (typeof value !== type) throw damaged(file, `${key} must be a ${type}, got ${JSON.stringify(value)}`)
    return { [field]: value as T }
  }
  return {
    ...read('do_sample', 'boolean', 'doSample'),
    ...read('temperature', 'number', 'temperature'),
    ...read('top_k', 'number', 'topK'),
    ...read('top_p', 'number', 'topP'),
    ...read('repetition_penalty', 'number', 'repetitionPenalty'),
  }
}
