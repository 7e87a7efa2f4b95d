/** This check finds files of constants that are missing or too short before a runtime opens them. */
import { bodiesOf } from '../graph/bodies'
import type { Graph, Scope, Tensor } from '../graph/graph'
import type { ExternalData } from '../graph/tensor-data'
import { checkExtent, dataFile, type DataFile } from './data-file'

/**
 * Check that each external constant of `graph` lies within `folder`, symbolic links followed, in a file that is long
 * enough. Throws `INVALID_MODEL` otherwise.
 */
export async function checkExternalData(graph: Graph, folder: string): Promise<void> {
  const files = new Map<string, DataFile>()
  const scopes = [graph.body, ...[...graph.functions.values()].map((fn) => fn.body)]
  for (const { name, data } of scopes.flatMap(constantsOf)) {
    if (data === undefined || !('location' in data)) continue
    const file = files.get(data.location) ?? (await dataFile(folder, data.location, name))
    files.set(data.location, file)
    checkExtent(file, data, name)
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
