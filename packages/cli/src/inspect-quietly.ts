/**
 * What `inspectRuntime` reports, without what drivers write to standard error while a device is tried ("error:
 * XDG_RUNTIME_DIR not set", warnings of Dawn): native code writes there past Node, so it runs in a process of its own,
 * which a driver that crashes takes down alone.
 */
import { spawn } from 'node:child_process'
import { EvolmmError } from '@evolmm/internal'
import type { RuntimeReport } from './library'

type Message = { report: RuntimeReport } | { code: string | undefined; message: string }

const probe = `
const send = (message) => process.send(message, () => process.exit())
require(process.argv[1]).inspectRuntime().then(
  (report) => send({ report }),
  (error) => send({ code: error.code, message: String(error.message) }),
)`

/** `library` is the path of the CommonJS build of `@evolmm/vlm`. */
export async function inspectQuietly(library: string): Promise<RuntimeReport> {
  const child = spawn(process.execPath, ['-e', probe, library], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  let answer: Message | undefined
  child.on('message', (message: Message) => {
    answer = message
  })
  const end = await new Promise<number | string | null>((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      resolve(signal ?? code)
    })
  })
  if (answer === undefined)
    throw new EvolmmError(
      'PROBE_FAILED',
      `doctor: every device must answer when it is tried, got ${typeof end === 'string' ? `signal ${end}` : `exit code ${end}`}; update the driver of the GPU`,
    )
  if ('report' in answer) return answer.report
  throw answer.code === undefined ? new Error(answer.message) : new EvolmmError(answer.code, answer.message)
}
