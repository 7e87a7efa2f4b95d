/**
 * A model folder that transformers loads: `config.json` and the names of weights as on the hub, which every version reads,
 * the tokenizer's and processor's files byte for byte from the folder that the model descends from.
 */
import { join } from 'node:path'
import { checkInteger, countOf, jsonText, parseJson } from '@evolmm/internal'
import { publishFolder, readIfThere, writeSynced } from '@evolmm/internal/node'
import { bytesPerValue, writeSafetensors, type FloatType, type WeightSource } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import type { CheckpointModel, Names } from './checkpoint-model'
import { companionFiles } from './companion-files'
import { finiteWeight } from './finite-weight'

export interface WriteCheckpointOptions {
  model: CheckpointModel
  /** Every tensor of the model once, by canonical name, in any order. */
  weights: Iterable<WeightSource>
  /** Type of the weights in the files. @default 'float32' */
  dtype?: FloatType
  /** Folder whose tokenizer, processor, template and generation files are copied. @default none */
  sourceFolder?: string
  /** Bytes of weights in one file at most; a larger tensor has a file of its own. @default 5e9 */
  maxShardBytes?: number
  /** Replace a folder that has a `config.json`. @default false */
  overwrite?: boolean
}

/**
 * Writes the folder, whole or not at all. Throws `WOULD_OVERWRITE`, `INVALID_TENSOR` if the weights are not those of
 * `model`, `NOT_FINITE` if one has a number that is none, `UNREADABLE_FILE` or `UNWRITABLE_FILE`.
 */
export async function writeCheckpoint(folder: string, options: WriteCheckpointOptions): Promise<void> {
  const { model, dtype = 'float32', sourceFolder, maxShardBytes = 5e9, overwrite = false } = options
  checkInteger('maxShardBytes', maxShardBytes, { min: 1 })
  const weights = [...options.weights]
  checkWeights(weights, model.weights)
  const stale = (name: string) => /^model(?:-\d+-of-\d+)?\.safetensors(?:\.index\.json)?$/.test(name)
  await publishFolder(folder, { marker: 'config.json', overwrite, stale }, async (aside) => {
    const source = sourceFolder === undefined ? {} : await copyCompanions(sourceFolder, aside)
    await writeWeights(aside, weights, { names: model.names, dtype, maxShardBytes })
    await writeJson(join(aside, 'config.json'), model.configJson({ dtype, source }))
  })
}

function checkWeights(
  weights: readonly WeightSource[],
  expected: ReadonlyMap<string, readonly number[]>,
): void {
  const seen = new Set<string>()
  for (const { name, shape } of weights) {
    const wanted = expected.get(name)
    if (wanted === undefined) throw invalid(name, 'must be a tensor of the model', 'got another name')
    if (seen.has(name)) throw invalid(name, 'must be given once', 'got it twice')
    if (wanted.length !== shape.length || wanted.some((dim, i) => dim !== shape[i]))
      throw invalid(name, `must have shape [${wanted.join(', ')}]`, `got [${shape.join(', ')}]`)
    seen.add(name)
  }
  const missing = [...expected.keys()].find((name) => !seen.has(name))
  if (missing !== undefined) throw invalid(missing, 'must be given', 'got nothing')
}

async function writeWeights(
  aside: string,
  weights: readonly WeightSource[],
  { names, dtype, maxShardBytes }: { names: Names; dtype: FloatType; maxShardBytes: number },
): Promise<void> {
  const shards = split(weights, dtype, maxShardBytes)
  const map = new Map<string, string>()
  let total = 0
  for (const [i, shard] of shards.entries()) {
    const [number, count] = [i + 1, shards.length].map((n) => String(n).padStart(5, '0'))
    const file = shards.length === 1 ? 'model.safetensors' : `model-${number}-of-${count}.safetensors`
    const renamed = shard.map((weight) => ({
      ...finiteWeight(weight, dtype),
      name: names.published(weight.name),
    }))
    for (const { name, shape } of renamed) {
      map.set(name, file)
      total += sizeOf(shape, dtype)
    }
    await writeSafetensors(join(aside, file), renamed, { dtype })
  }
  if (shards.length === 1) return
  const sorted = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  await writeJson(join(aside, 'model.safetensors.index.json'), {
    metadata: { total_size: total },
    weight_map: Object.fromEntries(sorted),
  })
}

/** Consecutive weights, as many in a shard as fit. */
function split(weights: readonly WeightSource[], dtype: FloatType, maxShardBytes: number): WeightSource[][] {
  const shards: WeightSource[][] = []
  let room = -1
  for (const weight of weights) {
    const bytes = sizeOf(weight.shape, dtype)
    if (bytes > room) {
      shards.push([])
      room = maxShardBytes
    }
    shards.at(-1)?.push(weight)
    room -= bytes
  }
  return shards
}

/** Returns what the source says in its `config.json`, if it has one. */
async function copyCompanions(source: string, aside: string): Promise<Record<string, unknown>> {
  for (const [name, content] of await companionFiles(source)) await writeSynced(join(aside, name), content)
  const file = join(source, 'config.json')
  const config = await readIfThere(file)
  try {
    return config === undefined ? {} : (parseJson(config.toString('utf8')) as Record<string, unknown>)
  } catch (cause) {
    throw new EvolmmError(
      'INVALID_CONFIG',
      `${file}: must be JSON, got other text; check the source folder`,
      {
        details: { file },
        cause,
      },
    )
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeSynced(file, jsonText(value))
}

function sizeOf(shape: readonly number[], dtype: FloatType): number {
  return bytesPerValue[dtype] * countOf(shape)
}

function invalid(name: string, rule: string, got: string): EvolmmError {
  return new EvolmmError(
    'INVALID_TENSOR',
    `weight ${JSON.stringify(name)}: ${rule}, ${got}; check the configuration`,
    {
      details: { name },
    },
  )
}
