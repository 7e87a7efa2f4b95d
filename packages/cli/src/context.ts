/** What a command may touch outside itself. */
import type { Installer } from './installer'
import type { Library } from './library'

export interface Context {
  library: Library
  installer: Installer
  /** The version of the command itself. */
  version: string
  /** Results go here, and nothing else does. */
  stdout: Output
  /** Everything that is no result goes here: progress, notes, warnings, errors. */
  stderr: Output
  environment: Readonly<Record<string, string | undefined>>
  /** Calls `handler` at the first of the signals, Ctrl-C alone unless others are named; returns how to undo that. */
  onInterrupt: (handler: () => void, signals?: readonly NodeJS.Signals[]) => () => void
}

/** The part of a stream that is used. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** True if colours may be written: to a terminal, unless NO_COLOR says no. */
export function hasColors({ environment }: Pick<Context, 'environment'>, output: Output): boolean {
  return output.isTTY === true && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb'
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const

/** Paints text for one of the two streams, or leaves it as it is. */
export function painter(
  context: Pick<Context, 'environment'>,
  output: Output,
): (style: keyof typeof codes, text: string) => string {
  const colors = hasColors(context, output)
  return (style, text) => {
    const [on, off] = codes[style]
    return colors ? `\u001b[${on}m${text}\u001b[${off}m` : text
  }
}

/** A text that came from a model, safe to show: on a terminal, control characters could do anything. */
export function printable(text: string, output: Output): string {
  return output.isTTY === true ? text.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd') : text
}
