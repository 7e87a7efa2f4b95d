/** The values per row of a finished run, from its samples files: ours, and those that lmms-eval wrote. */
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isObject, parseObject } from '@evolmm/internal'
import { readLines, unreadable } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import { isScores } from '../scoring/check-score'

export interface SampledRow {
  hash: string | undefined
  values: ReadonlyMap<string, number | null>
}

/** The samples by task, by row. `results` is the path of a `…_results.json`. */
export async function readSamples(results: string): Promise<Map<string, Map<number, SampledRow>>> {
  const prefix = basename(results).replace(/results\.json$/, 'samples_')
  const folder = dirname(results)
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.startsWith(prefix) && name.endsWith('.jsonl')).sort()
  if (!results.endsWith('results.json') || files.length === 0)
    throw new EvolmmError(
      'NO_SAMPLES',
      `${results}: must be a results file with its samples files beside it, got none; run with logged samples`,
      { details: { results } },
    )
  const tasks = new Map<string, Map<number, SampledRow>>()
  for (const name of files) {
    const path = join(folder, name)
    const rows = await readRows(path).catch(unreadable(path))
    const task =
      rows.find((row) => row.task !== undefined)?.task ?? name.slice(prefix.length, -'.jsonl'.length)
    tasks.set(task, new Map(rows.map((row) => [row.id, row])))
  }
  return tasks
}

async function readRows(path: string): Promise<ReturnType<typeof readSample>[]> {
  const rows = []
  for await (const { bytes, number } of readLines(path))
    if (bytes.length > 0) rows.push(readSample(bytes.toString('utf8'), `${path}:${number}`))
  return rows
}

function readSample(line: string, where: string): SampledRow & { id: number; task: string | undefined } {
  const { doc_id: id, doc_hash: hash, evolmm: own = {}, ...sample } = parseObject(line) ?? {}
  if (typeof id !== 'number' || !isObject(own)) throw badSample(where)
  const { task, values } = own
  if ((task !== undefined && typeof task !== 'string') || (values !== undefined && !isScores(values)))
    throw badSample(where)
  const numbers = Object.entries(sample).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  )
  return {
    id,
    task,
    hash: typeof hash === 'string' ? hash : undefined,
    values: new Map(values === undefined ? numbers : Object.entries(values)),
  }
}

function badSample(where: string): EvolmmError {
  return new EvolmmError(
    'INVALID_SAMPLE',
    `${where}: must be a JSON object with a doc_id and numbers, got something else; write the samples again`,
    { details: { where } },
  )
}
