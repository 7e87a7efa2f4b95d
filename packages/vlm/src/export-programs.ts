/** Every program as a `.onnx` file with the weights beside it, for other runtimes. */
import { constants, copyFile, link, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { publishFolder, unwritable, writeSynced } from '@evolmm/internal/node'
import { serialize } from '@evolmm/onnx'
import { EvolmmError } from './errors'
import type { Adapter } from './adapter/adapter'
import type { Model } from './model'
import { allPrograms } from './programs/all-programs'
import type { WeightFiles } from './programs/weight-files'

/**
 * Writes `encode`, `sample`, `stream`, `score` and, for an adapter, `gradient` (all with its structure) into `folder`,
 * which must be empty or not exist yet: all of them or none. Returns the paths. Weights are linked where the disk allows
 * it, and copied elsewhere. Throws `WOULD_OVERWRITE` or `UNWRITABLE_FILE`.
 */
export async function exportPrograms(model: Model, folder: string, adapter?: Adapter): Promise<string[]> {
  const there = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unwritable(folder)(error)
  })
  if (there.length > 0)
    throw new EvolmmError(
      'WOULD_OVERWRITE',
      `${folder}: must not exist yet, or be empty, got ${there.length} files; name another folder`,
      { details: { folder } },
    )
  const names: string[] = []
  await publishFolder(folder, { marker: 'sample.onnx' }, async (aside) => {
    const files = await placeWeights(model.files, aside)
    names.push(...new Set([...files.tensors.values()].map(({ location }) => location)))
    for (const [name, graph] of allPrograms({
      backbone: model.backbone,
      files,
      trainable: adapter?.trainable,
    })) {
      const file = `${name}.onnx`
      await writeSynced(join(aside, file), serialize(graph))
      names.push(file)
    }
  })
  return names.map((name) => join(folder, name))
}

/** The weights as files of `folder` itself: other runtimes refuse to look elsewhere. */
async function placeWeights({ folder: source, tensors }: WeightFiles, folder: string): Promise<WeightFiles> {
  const names = new Map<string, string>()
  for (const { location } of tensors.values()) {
    if (names.has(location)) continue
    const taken = [...names.values()].includes(basename(location))
    names.set(location, taken ? `${names.size}-${basename(location)}` : basename(location))
  }
  for (const [location, name] of names) {
    const [from, to] = [join(source, location), join(folder, name)]
    await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_EXCL))
  }
  const moved = [...tensors].map(([name, data]) => {
    const location = names.get(data.location) ?? data.location
    return [name, { ...data, location }] as const
  })
  return { folder, tensors: new Map(moved) }
}
