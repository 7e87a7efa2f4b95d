/** This check finds files of constants that are missing or too short before a runtime opens them. */
import { EvolmmError } from '../errors'
import { bodiesOf } from '../graph/bodies'
import type { Graph, Scope, Tensor } from '../graph/graph'
import type { ExternalData } from '../graph/tensor-data'

/**
 * Check that each external constant of `graph` lies within `folder`, symbolic links followed, in a file that is long
 * enough. Throws `INVALID_MODEL` otherwise.
 */
export async function checkExternalData(graph: Graph, folder: string): Promise<void> {
  const { realpath, stat } = await import('node:fs/promises')
  const path = await import('node:path')
  const sizes = new Map<string, number>()
  const inspect = async (location: string, name: string): Promise<number> => {
    let real: string
    let root: string
    try {
      ;[root, real] = [await realpath(folder), await realpath(path.join(folder, location))]
    } catch (cause) {
      throw outside(name, location, 'must be there, got none', cause)
    }
    const found = path.relative(root, real)
    if (found === '..' || found.startsWith(`..${path.sep}`) || path.isAbsolute(found))
      throw outside(name, location, `must be within ${root}, got a link to ${real}`)
    const info = await stat(real)
    if (!info.isFile()) throw outside(name, location, 'must be a file, got something else')
    return info.size
  }
  const scopes = [graph.body, ...[...graph.functions.values()].map((fn) => fn.body)]
  for (const { name, data } of scopes.flatMap(constantsOf)) {
    if (data === undefined || !('location' in data)) continue
    const { location, offset, length } = data
    const size = sizes.get(location) ?? (await inspect(location, name))
    sizes.set(location, size)
    if (offset + length > size)
      throw outside(name, location, `must have ${offset + length} bytes or more, got ${size}`)
  }
}

function constantsOf(scope: Scope): (Tensor | { name: string; data: ExternalData })[] {
  const inner = scope.nodes.flatMap((node) => [
    ...bodiesOf(node).flatMap(constantsOf),
    ...Object.entries(node.attributes).flatMap(([name, { value }]) =>
      typeof value === 'object' && 'location' in value ? [{ name, data: value }] : [],
    ),
  ])
  return [...scope.initializers, ...inner]
}

function outside(name: string, location: string, rule: string, cause?: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_MODEL',
    `constant ${JSON.stringify(name)}: its file ${JSON.stringify(location)} ${rule}; check the folder`,
    { details: { name, location }, ...(cause !== undefined && { cause }) },
  )
}
