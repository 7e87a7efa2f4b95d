/** A function of one's own in place of a value: named as `./file.mjs#name` where a text is all that can be given. */
import { isAbsolute, resolve as resolvePath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EvolmmError } from './errors'
import type { AnyFunction } from './row'

/** A function that is not read yet. */
export interface FunctionInFile {
  file: string
  exported: string
}

/** The functions that came from files, with their texts as they could be typed anywhere. */
const origins = new WeakMap<AnyFunction, string>()

/** `undefined` for any other text. A relative file begins at `folder`. */
export function functionInFile(text: string, folder: string): FunctionInFile | undefined {
  const named = /^([^\n]+\.[cm]?[jt]s)#([\p{ID_Start}$_][\p{ID_Continue}$]*)$/u.exec(text)
  if (named === null) return undefined
  const [, file, exported] = named
  return { file: isAbsolute(file) ? file : resolvePath(folder, file), exported }
}

/** Throws `INVALID_OPTION` about `setting` where the file cannot be imported or has no such function. */
export async function importFunction(
  setting: string,
  { file, exported }: FunctionInFile,
): Promise<AnyFunction> {
  const invalid = (rule: string, got: string, fix: string, cause?: unknown) =>
    new EvolmmError('INVALID_OPTION', `${setting}: must ${rule}, got ${got}; ${fix}`, {
      details: { option: setting, file, exported },
      cause,
    })
  const module = (await import(pathToFileURL(file).href).catch((cause: unknown) => {
    const got = cause instanceof Error ? cause.message : String(cause)
    throw invalid(`name a module that can be imported before #${exported}`, got, `correct ${file}`, cause)
  })) as Readonly<Record<string, unknown>>
  const found = module[exported]
  if (typeof found !== 'function') {
    const functions = Object.keys(module).filter((name) => typeof module[name] === 'function')
    const got = found === undefined ? 'no such export' : typeof found
    const fix = functions.length === 0 ? `export one from ${file}` : `${file} has ${functions.join(', ')}`
    throw invalid(`name a function that its file exports, such as #${exported}`, got, fix)
  }
  origins.set(found as AnyFunction, `${file}#${exported}`)
  return found as AnyFunction
}

/** A function in a record of settings: as it could be typed again if it came from a file, or its name. */
export function functionName(value: AnyFunction): string {
  return origins.get(value) ?? (value.name === '' ? 'a function' : value.name)
}

/** What makes a function the same in the next run: its text if it came from a file, or its name. */
export function functionIdentity(value: AnyFunction): string {
  return origins.has(value) ? String(value) : functionName(value)
}
