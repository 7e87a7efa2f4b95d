import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** One module of a script with the sources that it imports, for a process of its own. */
export async function bundle(script: URL, folder: string): Promise<string> {
  const source = fileURLToPath(script)
  const outfile = join(folder, basename(source, '.ts') + '.mjs')
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    logLevel: 'error',
  })
  return outfile
}
