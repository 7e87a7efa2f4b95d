/** An error as one line on standard error, and as an exit code: 2 if the input can be corrected, 1 otherwise. */
import { CommanderError } from 'commander'
import { inspect } from 'node:util'
import { EvolmmError } from './errors'
import { painter, type Context } from './context'
import { oneLine, plainReasons } from './texts'

export interface ReportOptions {
  /** Write the stack below the line. */
  debug: boolean
  /** Whose help is of use. @default 'evolmm' */
  command?: string
}

export function reportError(
  error: unknown,
  context: Pick<Context, 'stderr' | 'environment'>,
  { debug, command = 'evolmm' }: ReportOptions,
): number {
  const { stderr } = context
  const usage = error instanceof CommanderError
  const expected = usage || error instanceof EvolmmError
  const line = usage
    ? usageLine(error, command)
    : oneLine(error instanceof EvolmmError ? plainReasons(error.message) : messageOf(error))
  const hint = debug ? '' : '; run it again with --debug or EVOLMM_DEBUG=1 for the stack'
  stderr.write(
    `${painter(context, stderr)('red', 'evolmm:')} ${expected ? line : `unexpected error: ${line}${hint}`}\n`,
  )
  if (debug && !usage) stderr.write(`${inspect(error)}\n`)
  return expected ? 2 : 1
}

export function wantsDebug({ environment }: Pick<Context, 'environment'>): boolean {
  return !['', '0', 'false'].includes(environment.EVOLMM_DEBUG?.toLowerCase() ?? '')
}

/** "error: unknown option '--imgae'\n(Did you mean --image?)" becomes one sentence. */
function usageLine({ code, message }: CommanderError, command: string): string {
  // Commander would show all of the help instead of an error.
  if (code === 'commander.help') return 'one of the commands must be named; see evolmm --help'
  const line = oneLine(message).replace(/^error: /, '')
  const suggestion = / \(Did you mean (.*)\?\)$/.exec(line)
  return suggestion === null
    ? `${line.replace(/\.$/, '')}; see ${command} --help`
    : `${line.slice(0, suggestion.index)}; did you mean ${suggestion[1]}?`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
