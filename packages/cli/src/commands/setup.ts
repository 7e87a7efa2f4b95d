/** `evolmm setup cuda`: what a GPU of NVIDIA needs beyond the npm package. */
import { Argument } from 'commander'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { schema, toggle } from '@evolmm/settings'
import { EvolmmError } from '../errors'
import type { Context } from '../context'
import type { InstallerResult } from '../installer'
import { oneLine } from '../texts'
import { addSettingsCommand, type CommandHost } from '../settings-command'

// The installer knows `cuda12` as well, but in this variable only 1 makes it fetch what is already there.
const environment = { ONNXRUNTIME_NODE_INSTALL: '1' }

const examples = `
Examples:
  $ evolmm setup cuda
  $ evolmm setup cuda --dry_run

Linux x64 only. The driver, CUDA 12 and cuDNN 9 have to be there already. A proxy is taken from
GLOBAL_AGENT_HTTPS_PROXY. "evolmm doctor" says afterwards whether the device is usable.`

const setupFlags = schema({
  name: 'evolmm setup',
  groups: {
    Output: { dry_run: toggle(false, 'write what would be run, and run nothing', { identity: false }) },
  },
})

export function addSetup(host: CommandHost): void {
  addSettingsCommand(host, 'setup', {
    usage: 'cuda [options]',
    summary: 'fetch the libraries for NVIDIA GPUs',
    description:
      "Fetches ONNX Runtime's CUDA libraries with the installer of onnxruntime-node: for the @evolmm/vlm in the " +
      'working directory if there is one, otherwise for that of this command.',
    examples,
    addArguments: (command) =>
      command.addArgument(new Argument('<device>', 'what to set up').choices(['cuda'])),
    own: setupFlags,
    run: (context, _, { dry_run: isDry }) => setUp(context, isDry),
  })
}

async function setUp({ installer, stdout }: Context, isDry: boolean): Promise<undefined> {
  const { platform, arch } = installer
  if (platform !== 'linux' || arch !== 'x64')
    throw failed(`must run on Linux x64, got ${platform} ${arch}; choose device webgpu or cpu`)
  const script = installer.script()
  if (isDry) {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    stdout.write(`${[...variables, process.execPath, script].join(' ')}\n`)
    return
  }
  const start = Date.now()
  const result = await installer.run(script, environment)
  const folder = join(dirname(script), '..', 'bin')
  const missing = installer.missing(script)
  // It may also end in silence, when a connection breaks.
  if (result.code === 0 && missing.length > 0) throw unreached(`no ${missing[0]} after it ended`, folder)
  if (result.code !== 0) {
    installer.clean(script, start)
    const reason = reasonOf(result)
    throw fileFault.test(reason)
      ? failed(
          `must be able to write below ${folder} and ${tmpdir()}, got ${reason}; free some space or mend the rights`,
        )
      : unreached(reason, folder)
  }
  stdout.write(`CUDA libraries are under ${folder}; evolmm doctor says whether they start\n`)
}

const fileFault = /\b(ENOSPC|EDQUOT|EACCES|EPERM|EROFS|ENOTDIR|EISDIR)\b/

function unreached(got: string, folder: string): EvolmmError {
  return failed(
    `must reach the package feed of ONNX Runtime, got ${got}; run it where there is a network ` +
      `(GLOBAL_AGENT_HTTPS_PROXY names a proxy), copy libonnxruntime_providers_*.so from such a machine ` +
      `into the same folder under ${folder}, or choose device webgpu or cpu`,
  )
}

/** The line of the error in a stack that Node printed. */
function reasonOf({ code, errors }: InstallerResult): string {
  const lines = errors.split('\n').filter((line) => line.trim() !== '')
  const line = lines.find((each) => /^\s*\[?\w*Error\b/.test(each)) ?? lines.at(-1)
  return line === undefined ? `exit code ${code}` : `"${oneLine(line).slice(0, 200)}"`
}

function failed(message: string): EvolmmError {
  return new EvolmmError('SETUP_FAILED', `setup cuda: ${message}`)
}
