import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))

/** One module of a script of this folder with the sources that it imports, for a process of its own. */
export async function bundle(script: string, folder: string): Promise<string> {
  const outfile = join(folder, `${script}.mjs`)
  await build({
    entryPoints: [join(here, `${script}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    logLevel: 'error',
  })
  return outfile
}
