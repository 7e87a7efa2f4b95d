/** A configuration leads to its model. */
import { join } from 'node:path'
import { checkNames, checkObject, checkText, isObject, parseJson } from '@evolmm/internal'
import { readSmallText, unreadable } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { JsonObject } from '../checkpoint/read-checkpoint-file'
import type { Backbone } from './backbone'
import { architectures as known, type Architectures } from './backbones'
import { invalidConfig, shown } from './parts/config-fields'

/**
 * The model of a `config.json` that is parsed already; `file` is what errors call it. Throws `UNSUPPORTED_MODEL`, or
 * `INVALID_CONFIG` for a field that is missing, wrong, at odds with another or not implemented.
 */
export function openBackbone(
  config: JsonObject,
  options: { file?: string; architectures?: Architectures } = {},
): Backbone {
  checkObject('config', config)
  checkNames('openBackbone', options, { file: true, architectures: true })
  const { file = 'config.json', architectures = known } = options
  const type = config.model_type
  const architecture = typeof type === 'string' ? architectures.get(type) : undefined
  if (architecture !== undefined) return architecture.open(config, file)
  throw new EvolmmError(
    'UNSUPPORTED_MODEL',
    `${file}: model_type must be one of ${[...architectures.keys()].join(', ')}, got ${shown(type)}; use a checkpoint of such a model`,
    { details: { file, field: 'model_type', value: type } },
  )
}

/** The model whose `config.json` is in `folder`. Throws `UNREADABLE_FILE`, or what `openBackbone` does. */
export async function readBackbone(folder: string, architectures?: Architectures): Promise<Backbone> {
  checkText('folder', folder)
  const file = join(folder, 'config.json')
  const text = await readSmallText(file).catch(unreadable(file))
  let json: unknown
  try {
    json = parseJson(text)
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : 'other text'
    throw invalidConfig(file, 'the file', `must be JSON, got ${got}`)
  }
  if (!isObject(json)) throw invalidConfig(file, 'the file', `must be an object, got ${shown(json)}`)
  return openBackbone(json, { file, ...(architectures && { architectures }) })
}

/** The published model of that name, whatever revision follows it, or of that size: `7B`, say. */
export function publishedBackbone(name: string): Backbone | undefined {
  checkText('name', name)
  const plain = name.replace(/@.+$/, '').toLowerCase()
  for (const { published } of known.values()) {
    const open = published?.get(plain)
    if (open !== undefined) return open()
  }
  return undefined
}

/** What lmms-eval calls the models that are known. */
export function lmmsEvalKinds(): string[] {
  return [...known.values()].flatMap((architecture) => architecture.lmmsEvalKinds ?? [])
}
