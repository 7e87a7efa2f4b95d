/** The command as a process: its streams, signals, warnings and exit code. */
import type { Context } from './context'
import { installer } from './installer'
import type { Library } from './library'
import { oneLine } from './texts'
import { reportError, wantsDebug } from './report-error'
import { run } from './run'

export async function start({ library, version }: { library: Library; version: string }): Promise<never> {
  const { stdout, stderr, env: environment } = process
  const context: Context = {
    library,
    installer,
    version,
    stdout,
    stderr,
    environment,
    onInterrupt: (handler, signals = ['SIGINT']) => {
      const undo = () => {
        for (const signal of signals) process.off(signal, once)
      }
      // Once for all of them: a second Ctrl-C ends the process as usual.
      const once = () => {
        undo()
        handler()
      }
      for (const signal of signals) process.on(signal, once)
      return undo
    },
  }
  const debug = wantsDebug(context)
  const fail = (error: unknown) => process.exit(reportError(error, context, { debug }))

  // Whoever reads the output may stop at any time, as `head` does.
  const onStreamError = (error: NodeJS.ErrnoException) =>
    error.code === 'EPIPE' ? process.exit(0) : fail(error)
  stdout.on('error', onStreamError)
  stderr.on('error', onStreamError)
  process.on('uncaughtException', fail)
  // Node's own way of printing them takes two lines and names a process id.
  process.removeAllListeners('warning').on('warning', ({ name, message }) => {
    if (name === 'EvolmmWarning' || debug) stderr.write(`warning: ${oneLine(message)}\n`)
  })

  const code = await run(process.argv.slice(2), context)
  // Pipes are written to in the background; exiting would cut them off.
  for (const stream of [stdout, stderr]) await new Promise((resolve) => stream.write('', resolve))
  process.exit(code)
}
