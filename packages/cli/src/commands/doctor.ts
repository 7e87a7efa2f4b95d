/** `evolmm doctor`: what this machine offers. */
import type { Command } from 'commander'
import { lstat, readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { painter, type Context } from '../context'
import { formatBytes } from '../format-bytes'
import type { RuntimeReport } from '../library'
import { addOutputFlags } from '../options'
import { oneLine } from '../one-line'

const examples = `
Examples:
  $ evolmm doctor
  $ evolmm doctor --json`

interface Report {
  evolmm: string
  node: string
  platform: string
  onnxruntime: string
  /** That a run uses, and that the machine offers. */
  threads: number
  cores: number
  providers: RuntimeReport['providers']
  /** `bytes` is null if there is no such folder. */
  caches: { name: string; folder: string; bytes: number | null }[]
}

export function addDoctor(program: Command, context: Context): void {
  const command = program
    .command('doctor')
    .summary('check the runtime, devices and caches')
    .description('Says which runtime, devices, threads and caches evolmm would use on this machine.')
  addOutputFlags(command, 'the same as JSON')
    .addHelpText('after', examples)
    .action(async ({ json }: { json?: boolean }) => {
      const report = await inspect(context)
      context.stdout.write(json === true ? `${JSON.stringify(report)}\n` : toText(context, report))
    })
}

async function inspect({ library, version }: Context): Promise<Report> {
  const { onnxruntime, threads, providers, caches } = await library.inspectRuntime()
  return {
    evolmm: version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    onnxruntime,
    threads,
    cores: availableParallelism(),
    providers,
    caches: await Promise.all(
      caches.map(async ({ name, folder }) => ({ name, folder, bytes: await sizeOf(folder) })),
    ),
  }
}

/** Bytes of the files below a folder. Links, which caches are full of, count for nothing. */
async function sizeOf(folder: string): Promise<number | null> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => undefined)
  if (entries === undefined) return null
  let bytes = 0
  for (const entry of entries)
    if (entry.isFile())
      bytes += await lstat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      )
  return bytes
}

function toText(context: Context, report: Report): string {
  const paint = painter(context, context.stdout)
  const state = ({ present, usable, reason = '' }: Report['providers'][number]) => {
    const why = reason === '' ? '' : `: ${oneLine(reason)}`
    if (usable) return paint('green', 'usable')
    return `${paint(present ? 'yellow' : 'dim', present ? 'present, not usable' : 'not installed')}${why}`
  }
  return [
    ...columns([
      ['evolmm', report.evolmm],
      ['Node', `${report.node} on ${report.platform}`],
      ['ONNX Runtime', report.onnxruntime],
      ['Threads', `${report.threads} of ${report.cores}`],
    ]),
    '',
    paint('bold', 'Devices'),
    ...columns(report.providers.map((provider) => [`  ${provider.name}`, state(provider)])),
    '',
    paint('bold', 'Caches'),
    ...columns(
      report.caches.map(({ name, folder, bytes }) => [
        `  ${name}`,
        `${folder}, ${bytes === null ? 'not there yet' : formatBytes(bytes)}`,
      ]),
    ),
    '',
  ].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`)
}
