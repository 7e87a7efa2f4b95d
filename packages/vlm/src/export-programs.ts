/** Every program as a `.onnx` file with the weights beside it, for other runtimes. */
import { constants, copyFile, link, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { serialize } from '@evolmm/onnx'
import type { Model } from './model'
import { allPrograms } from './programs/all-programs'
import type { WeightFiles } from './programs/weight-files'
import type { Adapter } from './types'

/**
 * Writes `encode`, `sample`, `stream`, `score` and, for an adapter, `gradient` (all with its structure) into `folder`.
 * Returns the paths. Weights are linked where the disk allows it, and copied elsewhere.
 */
export async function exportPrograms(model: Model, folder: string, adapter?: Adapter): Promise<string[]> {
  const { backbone } = model
  const trainable = adapter?.trainable
  await mkdir(folder, { recursive: true })
  const { files, written } = await placeWeights(model.files, folder)
  for (const [name, graph] of allPrograms({ backbone, files, trainable })) {
    const path = join(folder, `${name}.onnx`)
    await writeFile(path, serialize(graph), { flag: 'wx' }).catch(refused(path))
    written.push(path)
  }
  return written
}

/** The weights as files of `folder` itself: other runtimes refuse to look elsewhere. */
async function placeWeights(
  { folder: source, tensors }: WeightFiles,
  folder: string,
): Promise<{ files: WeightFiles; written: string[] }> {
  const names = new Map<string, string>()
  for (const { location } of tensors.values()) {
    if (names.has(location)) continue
    const taken = [...names.values()].includes(basename(location))
    names.set(location, taken ? `${names.size}-${basename(location)}` : basename(location))
  }
  const written: string[] = []
  for (const [location, name] of names) {
    const [from, to] = [join(source, location), join(folder, name)]
    await link(from, to)
      .catch(() => copyFile(from, to, constants.COPYFILE_EXCL))
      .catch(refused(to))
    written.push(to)
  }
  const moved = [...tensors].map(([name, data]) => {
    const location = names.get(data.location) ?? data.location
    return [name, { ...data, location }] as const
  })
  return { files: { folder, tensors: new Map(moved) }, written }
}

function refused(path: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code === 'EEXIST')
      throw new EvolmmError('WOULD_OVERWRITE', `${path}: must not exist yet, got a file; name another folder`)
    throw new EvolmmError(
      'UNWRITABLE_FILE',
      `${path}: must be writable, got ${error.code ?? error.message}; check the disk`,
      {
        cause: error,
      },
    )
  }
}
