import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const benches = readdirSync(join(root, 'packages'))
  .filter((name) => existsSync(join(root, 'packages', name, 'bench')))
  .flatMap((name) =>
    readdirSync(join(root, 'packages', name, 'bench')).map((file) => `packages/${name}/bench/${file}`),
  )
  .filter((file) => /\/[^./]+\.mjs$/.test(file))

// Nothing else imports a benchmark: without this, one breaks unseen when what it measures moves.
test('everything that benchmarks import is there', async () => {
  expect(benches.length).toBeGreaterThan(10)
  await build({
    entryPoints: benches.map((bench) => join(root, bench)),
    outdir: root,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    external: ['onnxruntime-node', 'sharp'],
    logLevel: 'silent',
  })
})
