/**
 * Run a benchmark, which may be TypeScript or import it: node scripts/bench.mjs packages/NAME/bench/FILE [ARGS...]
 * It is bundled beside itself with the sources of our packages, so that it never measures a stale build.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { build } from 'esbuild'

const [file, ...args] = process.argv.slice(2)
const source = resolve(file)
const bundle = join(dirname(source), `.${basename(source, extname(source))}.bundle.mjs`)

await build({
  entryPoints: [source],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@evolmm/source'],
  external: ['onnxruntime-node', 'sharp'],
  logLevel: 'warning',
})
// The runtime would keep a queue of events in the user's cache folder.
const env = { ORT_DISABLE_TELEMETRY: '1', ...process.env }
try {
  process.exitCode = spawnSync(process.execPath, [bundle, ...args], { stdio: 'inherit', env }).status ?? 1
} finally {
  rmSync(bundle)
}
