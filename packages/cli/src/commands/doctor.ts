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

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`)
}
