/**
 * What a consumer gets: pack every published package, lint the tarball (publint, attw), unpack it as an
 * installed package, and load it through `import` and `require`, or start it; bundle it if it has an entry for browsers.
 * Needs a build.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { pnpm } from './pnpm.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const packs = join(root, '.reports/packs')
const installed = join(root, '.reports/consumer/node_modules')
const bin = (name) => join(root, 'node_modules/.bin', name)
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' })

rmSync(packs, { recursive: true, force: true })
rmSync(installed, { recursive: true, force: true })
mkdirSync(packs, { recursive: true })

const packages = readdirSync(join(root, 'packages'))
  .map((folder) => ({ folder, manifest: readManifest(join(root, 'packages', folder)) }))
  .filter(({ manifest }) => manifest.private !== true)

for (const { folder, manifest } of packages) {
  console.log(`\n${manifest.name}`)
  const tarball = join(packs, `${folder}.tgz`)
  if (pnpm('--dir', `packages/${folder}`, 'pack', '--out', tarball) !== 0) process.exit(1)
  run(bin('publint'), '--strict', tarball)
  run(bin('attw'), tarball, '--format', 'ascii')
  const target = join(installed, manifest.name)
  mkdirSync(target, { recursive: true })
  run('tar', '-xzf', tarball, '-C', target, '--strip-components=1')
  // The dependencies of the published manifest, as an installer would place them. Ours are unpacked beside it.
  for (const dependency of Object.keys(readManifest(target).dependencies ?? {})) {
    if (dependency.startsWith('@evolmm/')) continue
    mkdirSync(join(installed, dependency, '..'), { recursive: true })
    rmSync(join(installed, dependency), { force: true })
    symlinkSync(join(root, 'packages', folder, 'node_modules', dependency), join(installed, dependency))
  }
}

// What has an entry for browsers is bundled for one, from what was unpacked.
for (const { manifest } of packages.filter(
  ({ manifest }) => manifest.exports?.['.']?.browser !== undefined,
)) {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${manifest.name}'`, resolveDir: join(installed, '..') },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
  })
  console.log(`${manifest.name}: bundles for a browser, ${outputFiles[0].contents.length} bytes`)
}

for (const { manifest } of packages) {
  // A command has nothing to import: it is started.
  for (const file of Object.values(manifest.bin ?? {}))
    run(process.execPath, join(installed, manifest.name, file), '--help')
  if (manifest.bin !== undefined) continue
  const script = `
    const { createRequire } = await import('node:module')
    const required = createRequire(process.cwd() + '/x.cjs')('${manifest.name}')
    const imported = await import(import.meta.resolve('${manifest.name}'))
    const names = (m) => Object.keys(m).filter((n) => n !== 'default' && n !== '__esModule' && n !== 'module.exports').sort().join()
    if (names(imported) !== names(required)) throw new Error('import and require differ: ' + names(imported) + ' / ' + names(required))
    if (!(new required.EvolmmError('TEST', 'a test') instanceof imported.EvolmmError)) throw new Error('EvolmmError differs between formats')
    console.log('${manifest.name}: ' + Object.keys(imported).length + ' exports, same in ESM and CJS')`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: join(installed, '..'),
    stdio: 'inherit',
  })
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
