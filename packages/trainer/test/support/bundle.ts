/** A script of this folder in one file, for a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

/** Native modules cannot be part of a file, and only the package that depends on them finds them. */
const native = /^(onnxruntime-node|sharp)$/
const vlm = createRequire(new URL('../../../vlm/package.json', import.meta.url))

export async function bundle(source: URL): Promise<{ file: string; remove: () => void }> {
  const folder = mkdtempSync(fileURLToPath(new URL('../.bundle-', import.meta.url)))
  const file = join(folder, 'main.mjs')
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    logLevel: 'silent',
    // What is inside of `support` finds the fixtures from where it was.
    define: { 'import.meta.url': JSON.stringify(source.href) },
    plugins: [
      {
        name: 'native',
        setup: (bundler) => {
          bundler.onResolve({ filter: native }, ({ path }) => ({
            path: pathToFileURL(vlm.resolve(path)).href,
            external: true,
          }))
        },
      },
    ],
  })
  return {
    file,
    remove: () => {
      rmSync(folder, { recursive: true })
    },
  }
}
