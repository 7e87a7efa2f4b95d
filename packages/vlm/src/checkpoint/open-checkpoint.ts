/**
 * A Hugging Face model folder as a table: for every tensor of the model where its bytes lie. Only headers are read;
 * whatever is missing, extra, of another shape or type, cut off or at odds with the index is found here, before any
 * work. Tensors have their canonical names whichever tree the files use.
 */
import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJson } from '@evolmm/internal'
import { readSmallText, unreadable } from '@evolmm/internal/node'
import { isFloatTensor, openSafetensors, type FloatType, type StoredTensor } from '@evolmm/safetensors'
import { z } from 'zod'
import { EvolmmError } from '../errors'
import type { CheckpointModel } from './checkpoint-model'

/** A tensor under its canonical name. */
export type CheckpointTensor = StoredTensor<FloatType>

export interface StoredModel {
  /** Every tensor of the model, in its order. */
  tensors: ReadonlyMap<string, CheckpointTensor>
}

type Expected = Pick<CheckpointModel, 'weights' | 'names'>

const single = 'model.safetensors'
const index = 'model.safetensors.index.json'
const indexSchema = z.object({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[^/\\]+\.safetensors$/, 'must be a file in the folder'),
  ),
})

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` lists. Throws `INVALID_CHECKPOINT`,
 * `INVALID_SAFETENSORS` or `UNREADABLE_FILE`, each naming the file and the tensor.
 */
export async function openCheckpoint(folder: string, model: Expected): Promise<StoredModel> {
  const { files, checkNames } = await findFiles(folder)
  return openFiles(folder, files, model, checkNames)
}

/** The canonical names of all tensors in the files, those that the model does not know included. */
export async function tensorNames(folder: string, { names }: Pick<Expected, 'names'>): Promise<Set<string>> {
  const { files } = await findFiles(folder)
  return new Set([...(await openSafetensors({ files })).keys()].map(names.canonical))
}

/** Sees the names as the files have them, with each one's file. */
type CheckNames = (found: ReadonlyMap<string, string>) => void

async function findFiles(folder: string): Promise<{ files: string[]; checkNames?: CheckNames }> {
  if (await isFile(join(folder, single))) return { files: [join(folder, single)] }
  const file = join(folder, index)
  if (!(await isFile(file)))
    throw broken(
      folder,
      `must hold ${single} or ${index}, got neither`,
      'fetch the weights or check the path',
    )
  const map = parseIndex(file, await readSmallText(file).catch(unreadable(file)))
  const shards = [...new Set(map.values())].sort()
  const real = new Map<string, string>()
  for (const shard of shards) {
    const path = join(folder, shard)
    if (!(await isFile(path))) {
      const named = [...map].find(([, name]) => name === shard)?.[0] ?? ''
      throw broken(file, `tensor ${quote(named)} must be in ${shard}, got no such file`, 'fetch it again')
    }
    real.set(await realpath(path), shard)
  }
  const checkNames: CheckNames = (found) => {
    for (const [name, shard] of map) {
      const where = real.get(found.get(name) ?? '')
      if (where !== shard)
        throw broken(file, `tensor ${quote(name)} must be in ${shard}, got it in ${where ?? 'no file'}`)
    }
    for (const [name, path] of found)
      if (!map.has(name)) throw broken(file, `tensor ${quote(name)} of ${path} must be listed, got no entry`)
  }
  return { files: [...real.keys()], checkNames }
}

/** Opens `files` as one checkpoint. */
export async function openFiles(
  subject: string,
  files: readonly string[],
  { weights, names }: Expected,
  checkNames?: CheckNames,
): Promise<StoredModel> {
  const stored = [...(await openSafetensors({ files })).values()]
  const entries = stored.map((tensor): IndexedTensor => {
    return { ...tensor, original: tensor.name, name: names.canonical(tensor.name) }
  })
  checkNames?.(new Map(entries.map(({ original, file }) => [original, file])))
  const found = new Map<string, IndexedTensor>()
  const extra: IndexedTensor[] = []
  for (const entry of entries) {
    const twin = found.get(entry.name)
    if (twin !== undefined)
      throw broken(
        entry.file,
        `tensor ${quote(entry.original)} must be there once, got ${quote(twin.original)} too`,
      )
    if (weights.has(entry.name)) found.set(entry.name, entry)
    else if (!names.harmless(entry.name)) extra.push(entry)
  }
  const missing = [...weights.keys()].filter((name) => !found.has(name))
  if (missing.length > 0)
    throw broken(subject, `must hold all tensors of the model, got none for ${some(missing)}`)
  if (extra.length > 0) {
    const also = some(extra.map(({ original }) => original))
    throw broken(extra[0].file, `must hold only tensors of the model, got also ${also}`)
  }
  const tensors = new Map<string, CheckpointTensor>()
  for (const [name, shape] of weights) {
    const entry = found.get(name)
    if (entry !== undefined) tensors.set(name, checkEntry(entry, shape))
  }
  return { tensors }
}

interface IndexedTensor extends StoredTensor {
  /** The name in the file. */
  original: string
}

function checkEntry({ original, ...entry }: IndexedTensor, shape: readonly number[]): CheckpointTensor {
  const rule = (text: string) => broken(entry.file, `tensor ${quote(original)} must ${text}`)
  if (!isFloatTensor(entry)) throw rule(`be float32, float16 or bfloat16, got ${entry.dtype}`)
  if (entry.shape.length !== shape.length || entry.shape.some((dim, i) => dim !== shape[i]))
    throw rule(`have shape [${shape.join(', ')}], got [${entry.shape.join(', ')}]`)
  return entry
}

function parseIndex(file: string, text: string): Map<string, string> {
  let json: unknown
  try {
    json = parseJson(text)
  } catch (cause) {
    throw broken(file, `must be JSON, got ${(cause as SyntaxError).message}`)
  }
  const result = indexSchema.safeParse(json)
  if (!result.success) {
    const [{ path, message }] = result.error.issues as [z.core.$ZodIssue]
    throw broken(file, `${path.join('.')}: ${message}`)
  }
  return new Map(Object.entries(result.data.weight_map))
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}

function some(names: readonly string[]): string {
  const listed = names.slice(0, 3).map(quote).join(', ')
  return names.length > 3 ? `${listed} and ${names.length - 3} more` : listed
}

function quote(name: string): string {
  return JSON.stringify(name)
}

function broken(file: string, rule: string, remedy = 'fetch or write the checkpoint again'): EvolmmError {
  return new EvolmmError('INVALID_CHECKPOINT', `${file}: ${rule}; ${remedy}`, { details: { file } })
}
