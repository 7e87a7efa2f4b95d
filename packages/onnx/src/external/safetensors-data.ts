/**
 * Weights in `.safetensors` files as external data of a model: nothing is copied, the runtime reads (or maps) them
 * where they lie.
 *
 * The runtime takes one folder and refuses what leaves it: absolute paths, `..`, and symbolic links to elsewhere. The
 * caches of Hugging Face are made of such links. So each file's real path is found first, then the folder that all of
 * them share.
 */
import { EvolmmError } from '@evolmm/internal'
import type { ExternalData } from '../graph/tensor-data'
import { locationProblem } from '../graph/tensor-data'
import { broken, headerLength, readHeader } from './header'

export interface SafetensorsSource {
  /** Paths of `.safetensors` files. Not together with `folder`. */
  files?: readonly string[]
  /**
   * A model's folder: the files that its `model.safetensors.index.json` lists, or without one all `.safetensors`
   * files in it.
   */
  folder?: string
}

export interface SafetensorsData {
  /** What `session.model_external_initializers_file_folder_path` must be. */
  folder: string
  /** Each tensor by its name; pass one to `graph.initializer`. */
  tensors: ReadonlyMap<string, ExternalData>
}

/** The result says where each tensor of some `.safetensors` files lies. Only headers are read. */
export async function safetensorsData(source: SafetensorsSource): Promise<SafetensorsData> {
  const { realpath } = await import('node:fs/promises')
  const path = await import('node:path')
  const files = await filesOf(source)
  const real = await Promise.all(
    files.map((file) => realpath(file).catch((cause: unknown) => unreadable(file, cause))),
  )
  const folder = real.map((file) => path.dirname(file)).reduce((a, b) => commonFolder(a, b, path.sep))
  const tensors = new Map<string, ExternalData>()
  for (const file of new Set(real)) {
    const location = path.relative(folder, file).split(path.sep).join('/')
    const problem = locationProblem(location)
    if (problem !== undefined)
      throw broken(file, `the file ${problem} for the runtime, got ${JSON.stringify(location)}`)
    for (const { name, dtype, dims, offset, length } of await readFileHeader(file)) {
      const known = tensors.get(name)
      if (known !== undefined)
        throw broken(
          file,
          `tensor ${JSON.stringify(name)} must be in one file, got it in ${known.location} too`,
        )
      tensors.set(name, { dtype, dims, location, offset, length })
    }
  }
  return { folder, tensors }
}

async function filesOf({ files, folder }: SafetensorsSource): Promise<readonly string[]> {
  if ((files === undefined) === (folder === undefined) || files?.length === 0) {
    throw new EvolmmError(
      'INVALID_OPTION',
      'safetensorsData: must be given either files, at least one, or a folder, got neither or both; pass one of them',
    )
  }
  if (folder === undefined) return files ?? []
  const { readdir, readFile } = await import('node:fs/promises')
  const path = await import('node:path')
  const names = await readdir(folder).catch((cause: unknown) => unreadable(folder, cause))
  const index = 'model.safetensors.index.json'
  const listed = names.includes(index)
    ? shardsOf(await readFile(path.join(folder, index), 'utf8'), path.join(folder, index))
    : names.filter((name) => name.endsWith('.safetensors')).sort()
  if (listed.length === 0) {
    throw new EvolmmError(
      'NO_FILES',
      `safetensorsData: ${folder} must hold .safetensors files, got none; check the path`,
      { details: { folder } },
    )
  }
  return listed.map((name) => path.join(folder, name))
}

/** Names of the files that an index lists. */
function shardsOf(json: string, file: string): string[] {
  let index: unknown
  try {
    index = JSON.parse(json)
  } catch (cause) {
    throw broken(file, 'must be JSON, got something else', cause)
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map
  const names: unknown[] =
    typeof map === 'object' && map !== null ? [...new Set<unknown>(Object.values(map))] : []
  const sound = names.filter(
    (name) => typeof name === 'string' && locationProblem(name) === undefined,
  ) as string[]
  if (sound.length === 0 || sound.length < names.length)
    throw broken(file, 'weight_map must name files within the folder, got something else')
  return sound.sort()
}

async function readFileHeader(file: string) {
  const { open } = await import('node:fs/promises')
  const handle = await open(file).catch((cause: unknown) => unreadable(file, cause))
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

/** The deepest folder that holds both. */
function commonFolder(a: string, b: string, sep: string): string {
  const [left, right] = [a.split(sep), b.split(sep)]
  const differ = left.findIndex((part, i) => part !== right[i])
  const shared = differ < 0 ? left : left.slice(0, differ)
  if (shared.length === 0) {
    throw new EvolmmError(
      'NO_COMMON_FOLDER',
      `safetensorsData: files must share a folder, got ${a} and ${b}; put them on one drive`,
    )
  }
  return shared.length === 1 ? `${shared[0]}${sep}` : shared.join(sep)
}

function unreadable(file: string, cause: unknown): never {
  throw new EvolmmError(
    'UNREADABLE_FILE',
    `${file}: must be readable, got ${cause instanceof Error ? cause.message : 'an error'}; check the path`,
    { details: { file }, cause },
  )
}
