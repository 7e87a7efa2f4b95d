/** `evolmm doctor`: what this machine offers. */
import { counted, formatBytes } from '@evolmm/internal'
import { painter, type Context } from '../context'
import { oneLine } from '../texts'
import type { RuntimeReport } from '../library'
import { addSettingsCommand, type CommandHost } from '../settings-command'

const examples = `
Examples:
  $ evolmm doctor
  $ evolmm doctor --json`

export function addDoctor(host: CommandHost): void {
  addSettingsCommand(host, 'doctor', {
    usage: '[options]',
    summary: 'check the runtime, devices and caches',
    description: 'Says which runtime, devices, threads and caches evolmm would use on this machine.',
    examples,
    json: 'the same as JSON',
    run: async (context, _, { json }) => {
      const report = await context.library.inspectRuntime()
      context.stdout.write(
        json ? `${JSON.stringify({ evolmm: context.version, ...report })}\n` : toText(context, report),
      )
      return undefined
    },
  })
}

function toText(context: Context, report: RuntimeReport): string {
  const paint = painter(context, context.stdout)
  const state = ({ usable, missing }: RuntimeReport['providers'][number]) =>
    usable
      ? paint('green', 'usable')
      : `${paint('yellow', 'not usable')}${missing === undefined ? '' : `: ${oneLine(`${missing.what}; ${missing.fix}`)}`}`
  return [
    ...columns([
      ['evolmm', context.version],
      ['Node', `${report.node} on ${report.platform} ${report.arch}`],
      ['ONNX Runtime', report.onnxruntime],
      ['Threads', `${report.threads}`],
    ]),
    '',
    paint('bold', 'Devices'),
    ...columns(report.providers.map((provider) => [`  ${provider.device}`, state(provider)])),
    '',
    ...(report.cuda === undefined ? [] : cudaLines(context, report.cuda)),
    paint('bold', 'Caches'),
    ...columns(
      report.caches.map(({ name, folder, files, bytes }) => [
        `  ${name}`,
        `${folder}, ${files === 0 ? 'empty' : `${formatBytes(bytes)} in ${counted(files, 'file')}`}`,
      ]),
    ),
    '',
  ].join('\n')
}

/** Cards by the value that `--device` takes, then what is missing and how to get it. */
function cudaLines(context: Context, { cards, libraries, advice }: Cuda): string[] {
  const card = ({ device, name, free, hidden }: Cuda['cards'][number]): [string, string] => [
    `  ${device ?? (hidden ? 'hidden' : 'cuda:?')}`,
    oneLine(`${name}${free === null ? '' : `, ${formatBytes(free)} free`}`) +
      (hidden ? ', left out by CUDA_VISIBLE_DEVICES' : ''),
  ]
  const open = cards.some(({ device, hidden }) => device === null && !hidden)
  const missing = libraries.filter(({ file }) => file === null)
  return [
    painter(context, context.stdout)('bold', 'CUDA'),
    ...columns([
      ...cards.map(card),
      ...missing.map(({ name, elsewhere }): [string, string] => [
        `  ${name}`,
        elsewhere === null ? 'missing' : `in ${elsewhere}, where the loader does not look`,
      ]),
    ]),
    ...(missing.length === 0 ? ['  every library of CUDA 12 and cuDNN 9 is found'] : []),
    ...(open
      ? [
          '  CUDA numbers different cards by speed: set CUDA_DEVICE_ORDER=PCI_BUS_ID to have them in this order',
        ]
      : []),
    ...advice.map((sentence) => `  ${oneLine(sentence)}`),
    '',
  ]
}

type Cuda = NonNullable<RuntimeReport['cuda']>

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`)
}
