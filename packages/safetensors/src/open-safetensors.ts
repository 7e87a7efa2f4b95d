/**
 * The headers of `.safetensors` files say where their tensors lie. Nothing else is read; a file that breaks a rule is
 * refused as a whole.
 */
import { open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { checkObject, isObject, parseObject } from '@evolmm/internal'
import { isSafePath, readSmallText, unreadable } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { broken, headerLength, readHeader } from './header'
import type { StoredTensor } from './stored-tensor'

export interface SafetensorsSource {
  /** Paths of `.safetensors` files. Not together with `folder`. */
  files?: readonly string[]
  /**
   * A model's folder: the files that its `model.safetensors.index.json` lists, or without one all `.safetensors`
   * files in it.
   */
  folder?: string
}

const index = 'model.safetensors.index.json'

/**
 * The tensors of all files, by name. Throws `UNREADABLE_FILE`, `NO_FILES`, or `INVALID_SAFETENSORS` for a file that is
 * none and for a name that two files have.
 */
export async function openSafetensors(source: SafetensorsSource): Promise<Map<string, StoredTensor>> {
  checkObject('source', source)
  const files = await filesOf(source)
  const real = await Promise.all(files.map((file) => realpath(file).catch(unreadable(file))))
  const tensors = new Map<string, StoredTensor>()
  for (const file of new Set(real))
    for (const tensor of await readFileHeader(file)) {
      const known = tensors.get(tensor.name)
      if (known !== undefined)
        throw broken(
          file,
          `tensor ${JSON.stringify(tensor.name)} must be in one file, got it in ${known.file} too`,
        )
      tensors.set(tensor.name, tensor)
    }
  return tensors
}

async function filesOf({ files, folder }: SafetensorsSource): Promise<readonly string[]> {
  if ((files === undefined) === (folder === undefined) || files?.length === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      'openSafetensors: must be given either files, at least one, or a folder, got neither or both; pass one of them',
    )
  if (folder === undefined) return files ?? []
  const names = await readdir(folder).catch(unreadable(folder))
  const listed = names.includes(index)
    ? shardsOf(
        await readSmallText(join(folder, index)).catch(unreadable(join(folder, index))),
        join(folder, index),
      )
    : names.filter((name) => name.endsWith('.safetensors')).sort()
  if (listed.length === 0)
    throw new EvolmmError(
      'NO_FILES',
      `openSafetensors: ${folder} must hold .safetensors files, got none; check the path`,
      { details: { folder } },
    )
  return listed.map((name) => join(folder, name))
}

/** Names of the files that an index lists. */
function shardsOf(json: string, file: string): string[] {
  const map = parseObject(json)?.weight_map
  const names = isObject(map) ? [...new Set(Object.values(map))] : []
  const sound = names.filter((name): name is string => typeof name === 'string' && isSafePath(name))
  if (sound.length === 0 || sound.length < names.length)
    throw broken(file, 'weight_map must name files within the folder, got something else')
  return sound.sort()
}

async function readFileHeader(file: string): Promise<StoredTensor[]> {
  const handle = await open(file).catch(unreadable(file))
  try {
    const { size } = await handle.stat()
    const start = new Uint8Array(8)
    const { bytesRead } = await handle.read(start, 0, 8, 0)
    const json = new Uint8Array(headerLength(start.subarray(0, bytesRead), size, file))
    await handle.read(json, 0, json.length, 8)
    return readHeader(json, size, file)
  } finally {
    await handle.close()
  }
}
