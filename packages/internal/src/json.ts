/** JSON as objects, and as files that people read. */
import { lfsPointer, lfsPointerBegins } from './lfs-pointer'

/** No file or answer that means something is as deep as this; what goes through values calls itself at each level. */
const deepest = 500

/**
 * The value of a text from outside. Throws `SyntaxError`, also for what is nested too deeply to be gone through, and with its
 * name for what git-LFS leaves in the place of a file.
 */
export function parseJson(text: string): unknown {
  if (text.startsWith(lfsPointerBegins)) throw new SyntaxError(lfsPointer)
  // eslint-disable-next-line no-restricted-properties -- this is what all else calls
  const value: unknown = JSON.parse(text)
  if (isDeeper(value, deepest)) throw new SyntaxError(`Nested more than ${deepest} deep in JSON`)
  return value
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) return value.some((each) => isDeeper(each, levels - 1))
  // A vocabulary has some hundred thousand keys, which `Object.values` would copy.
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true
  return false
}

/** The object that a JSON text stands for; `undefined` for any other text. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The text of a file for `value`. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
