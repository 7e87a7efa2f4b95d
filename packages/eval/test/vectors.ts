/**
 * The published vectors: expected values come from running lmms-eval's own scoring code (and M3CoT's and VLMEvalKit's),
 * see `meta` in the file.
 */
import { readFileSync } from 'node:fs'

export interface Vector {
  id: string
  kind: 'score' | 'prompt' | 'aggregate'
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- every group has a shape of its own
  input: any
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  expected: any
}

const file = JSON.parse(readFileSync(new URL('fixtures/eval-vectors.json', import.meta.url), 'utf8')) as {
  tasks: Record<string, Vector[]>
}

export const vectorGroups = Object.keys(file.tasks)

export const vectorKinds = vectorGroups.flatMap((group) => [
  ...new Set(file.tasks[group].map(({ kind }) => `${group} ${kind}`)),
])

/** Groups and kinds that were asked for. */
export const used = new Set<string>()

export function vectors(group: string, kind: Vector['kind']): Vector[] {
  used.add(`${group} ${kind}`)
  return file.tasks[group].filter((vector) => vector.kind === kind)
}
