/**
 * Weights that lie in files, as external data of a model: nothing is copied, the runtime reads (or maps) them where they
 * lie. It takes one folder and refuses what leaves it: absolute paths, `..`, and symbolic links to elsewhere, of which the
 * caches of Hugging Face are made. So files are named by their real paths here, below the folder that all of them share.
 */
import { EvolmmError } from '../errors'
import type { DType } from '../graph/dtype'
import { locationProblem, type ExternalData } from '../graph/tensor-data'

/** A tensor in a file, as `openSafetensors` of @evolmm/safetensors gives it. */
export interface FileTensor {
  name: string
  /** Real path, symbolic links resolved. */
  file: string
  dtype: DType
  shape: readonly number[]
  /** Bytes from the start of the file. */
  offset: number
  /** The length of the tensor in bytes. */
  bytes: number
}

export interface ExternalFiles {
  /** What `session.model_external_initializers_file_folder_path` must be. */
  folder: string
  /** Each tensor by its name; pass one to `graph.initializer`. */
  tensors: ReadonlyMap<string, ExternalData>
}

/** The tensors by place below the deepest folder that holds all their files. */
export async function externalData(tensors: Iterable<FileTensor>): Promise<ExternalFiles> {
  const path = await import('node:path')
  const all = [...tensors]
  const [first = '', ...others] = new Set(all.map(({ file }) => path.dirname(file)))
  const folder = others.reduce((a, b) => commonFolder(a, b, path.sep), first)
  const placed = all.map(({ name, file, dtype, shape, offset, bytes }): [string, ExternalData] => {
    const location = path.relative(folder, file).split(path.sep).join('/')
    const problem = locationProblem(location)
    if (problem !== undefined)
      throw new EvolmmError(
        'DATA_LOCATION',
        `${file}: the file ${problem} for the runtime, got ${JSON.stringify(location)}; rename it`,
        { details: { file } },
      )
    return [name, { dtype, dims: shape, location, offset, length: bytes }]
  })
  return { folder, tensors: new Map(placed) }
}

/** The deepest folder that holds both. */
function commonFolder(a: string, b: string, sep: string): string {
  const [left, right] = [a.split(sep), b.split(sep)]
  const differ = left.findIndex((part, i) => part !== right[i])
  const shared = differ < 0 ? left : left.slice(0, differ)
  if (shared.length === 0)
    throw new EvolmmError(
      'NO_COMMON_FOLDER',
      `externalData: files must share a folder, got ${a} and ${b}; put them on one drive`,
    )
  return shared.length === 1 ? `${shared[0]}${sep}` : shared.join(sep)
}
