import { EvolmmError } from '../../packages/internal/src/index'

/** The longest message that a person reads; what an input holds must not be quoted whole. */
const mostLetters = 2000

/** What is wrong with what a reader threw, or nothing for a typed error with a code that is ours and a readable message. */
export function faultOf(error: unknown, codes: ReadonlySet<string>): string | undefined {
  if (!(error instanceof EvolmmError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return `an error without a type: ${text.slice(0, 4000)}`
  }
  const { code, message, stack } = error
  if (!codes.has(code)) return `a code that no package names: ${code} (${message.slice(0, 200)})`
  if (message.trim() === '') return `an error without a message: ${stack?.slice(0, 4000)}`
  if (message.length <= mostLetters) return undefined
  return `a message of ${message.length} letters: ${message.slice(0, 200)} … ${message.slice(-100)} ${(stack ?? '').slice(message.length, message.length + 1000)}`
}
