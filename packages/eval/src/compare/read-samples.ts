/** The values per row of a finished run, from its samples files: ours, and those that lmms-eval wrote. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { EvolmmError } from '../errors'

export interface SampledRow {
  hash: string | undefined
  values: Readonly<Record<string, number | null>>
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
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
    const rows = lines.map((line, i) => readSample(line, `${path}:${i + 1}`))
    const task =
      rows.find((row) => row.task !== undefined)?.task ?? name.slice(prefix.length, -'.jsonl'.length)
    tasks.set(task, new Map(rows.map((row) => [row.id, row])))
  }
  return tasks
}

function readSample(line: string, where: string): SampledRow & { id: number; task: string | undefined } {
  let sample: Record<string, unknown>
  try {
    sample = JSON.parse(line) as Record<string, unknown>
  } catch (cause) {
    throw badSample(where, cause)
  }
  const {
    doc_id: id,
    doc_hash: hash,
    evolmm,
  } = sample as { doc_id?: unknown; doc_hash?: unknown; evolmm?: unknown }
  if (typeof id !== 'number') throw badSample(where)
  const own = evolmm as { task?: string; values?: Record<string, number | null> } | undefined
  const numbers = Object.entries(sample).filter(
    (entry): entry is [string, number] => entry[0] !== 'doc_id' && typeof entry[1] === 'number',
  )
  return {
    id,
    task: own?.task,
    hash: typeof hash === 'string' ? hash : undefined,
    values: own?.values ?? Object.fromEntries(numbers),
  }
}

function badSample(where: string, cause?: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_SAMPLE',
    `${where}: must be a JSON object with a doc_id, got something else; write the samples again`,
    { details: { where }, ...(cause !== undefined && { cause }) },
  )
}
