/** A script of a test with all that it imports in one file, for a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

export interface BundledScript {
  file: string
  remove: () => void
}

/** Native modules cannot be part of a file, and only the package that depends on them finds them. */
const native = /^(onnxruntime-node|sharp)$/
const vlm = createRequire(new URL('../../vlm/package.json', import.meta.url))

/** Into a new folder beside the script, where the packages are found that stay outside. */
export async function bundleScript(script: URL): Promise<BundledScript> {
  const source = fileURLToPath(script)
  const folder = mkdtempSync(join(dirname(source), '.bundle-'))
  const file = join(folder, 'main.mjs')
  await build({
    entryPoints: [source],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    external: ['commander'],
    logLevel: 'silent',
    plugins: [
      {
        // What a file looks for beside itself, or among the packages that its own depends on, it finds from where it lies.
        name: 'places',
        setup: (bundler) => {
          bundler.onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
            if (path.includes('/node_modules/')) return undefined
            const text = await readFile(path, 'utf8')
            const place = JSON.stringify(pathToFileURL(path).href)
            return {
              contents: text.replaceAll('import.meta.url', place),
              loader: path.endsWith('.ts') ? 'ts' : 'js',
            }
          })
        },
      },
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
