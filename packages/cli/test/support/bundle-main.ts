/** A main of this folder in one file, for a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

export interface Bundle {
  file: string
  remove: () => void
}

/** Native modules cannot be part of a file, and only the package that depends on them finds them. */
const native = /^(onnxruntime-node|sharp)$/
const vlm = createRequire(new URL('../../../vlm/package.json', import.meta.url))

export async function bundleMain(main: URL): Promise<Bundle> {
  // Beside the sources, where commander is found.
  const folder = mkdtempSync(fileURLToPath(new URL('../.bin-', import.meta.url)))
  const file = join(folder, 'main.mjs')
  await build({
    entryPoints: [fileURLToPath(main)],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    external: ['commander'],
    logLevel: 'silent',
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
