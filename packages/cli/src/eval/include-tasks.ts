/** `--include_path`: tasks of one's own, exported by a JavaScript module or by all those of a folder. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Task } from '@evolmm/eval'
import { EvolmmError } from '../errors'

const isModule = (name: string) => /\.m?js$/.test(name)

export async function includeTasks(path: string): Promise<Task[]> {
  const entry = await stat(path).catch(() => undefined)
  const names = entry?.isDirectory() === true ? (await readdir(path)).filter(isModule).sort() : []
  const files = entry?.isFile() === true && isModule(path) ? [path] : names.map((name) => join(path, name))
  const found: Task[] = []
  for (const file of files) found.push(...(await tasksIn(file)))
  if (found.length > 0) return found
  throw new EvolmmError(
    'INVALID_OPTION',
    `include_path ${JSON.stringify(path)}: must be a .js or .mjs file, or a folder with some, that exports tasks, got ${entry ? 'none there' : 'nothing there'}; see Task of @evolmm/eval`,
    { details: { option: 'include_path', value: path } },
  )
}

async function tasksIn(file: string): Promise<Task[]> {
  try {
    const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>
    return Object.values(exported).filter(isTask)
  } catch (cause) {
    throw new EvolmmError(
      'TASK_FILE_FAILED',
      `include_path ${file}: must be a module that can be imported, got ${cause instanceof Error ? cause.message : String(cause)}; correct it`,
      { details: { option: 'include_path', file }, cause },
    )
  }
}

function isTask(value: unknown): value is Task {
  if (typeof value !== 'object' || value === null) return false
  const { name, source, generation, prompt, target, score, aggregate } = value as Record<string, unknown>
  return (
    typeof name === 'string' &&
    [source, generation].every((part) => typeof part === 'object' && part !== null) &&
    [prompt, target, score, aggregate].every((part) => typeof part === 'function')
  )
}
