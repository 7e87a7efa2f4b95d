/** `evolmm doctor`: what this machine offers. */
import type { Command } from 'commander'
import { formatBytes } from '@evolmm/internal'
import { painter, type Context } from '../context'
import { oneLine } from '../texts'
import type { RuntimeReport } from '../library'
import { addOutputFlags } from '../options'

const examples = `
Examples:
  $ evolmm doctor
  $ evolmm doctor --json`

export function addDoctor(program: Command, context: Context): void {
  const command = program
    .command('doctor')
    .summary('check the runtime, devices and caches')
    .description('Says which runtime, devices, threads and caches evolmm would use on this machine.')
  addOutputFlags(command, 'the same as JSON')
    .addHelpText('after', examples)
    .action(async ({ json }: { json?: boolean }) => {
      const report = await context.library.inspectRuntime()
      const text =
        json === true
          ? `${JSON.stringify({ evolmm: context.version, ...report })}\n`
          : toText(context, report)
      context.stdout.write(text)
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
        `${folder}, ${files === 0 ? 'empty' : `${formatBytes(bytes)} in ${files} ${files === 1 ? 'file' : 'files'}`}`,
      ]),
    ),
    '',
  ].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`)
}
