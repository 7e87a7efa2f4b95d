/**
 * What a published package must say of itself, so that a registry shows it and a bundler treats it well: keywords, where
 * its source, page and issues are, whether an import of it does anything. The licence at the root must name its owner,
 * and the first changeset of the command every one of its commands.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = 'https://github.com/evolmm/evolmm'

/** What each field must be, by package folder. */
const rules = {
  description: () => ['a sentence', (value) => /^\S.{20,}\.$/.test(value ?? '')],
  keywords: () => [
    'three or more different words',
    (value) => Array.isArray(value) && new Set(value).size >= 3,
  ],
  license: () => same('Apache-2.0'),
  homepage: (folder) => same(`${home}/tree/main/packages/${folder}#readme`),
  bugs: () => same({ url: `${home}/issues` }),
  repository: (folder) => same({ type: 'git', url: `git+${home}.git`, directory: `packages/${folder}` }),
  engines: () => ['a version of Node', (value) => typeof value?.node === 'string'],
  publishConfig: () => same({ access: 'public' }),
}

/** Every violation below `root` (a folder that holds `packages/`), one sentence each. */
export function manifestProblems(root) {
  const folders = readdirSync(join(root, 'packages')).filter((folder) =>
    existsSync(join(root, 'packages', folder, 'package.json')),
  )
  return [
    ...folders.flatMap((folder) => packageProblems(root, folder)),
    ...rootProblems(root),
    ...commandProblems(root),
  ]
}

function packageProblems(root, folder) {
  const path = join(root, 'packages', folder)
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  if (manifest.private === true) return []
  const problems = Object.entries(rules).flatMap(([field, rule]) => {
    const [wanted, holds] = rule(folder)
    const got = JSON.stringify(manifest[field]) ?? 'none'
    return holds(manifest[field])
      ? []
      : [`packages/${folder}/package.json: ${field} must be ${wanted}, got ${got}`]
  })
  const changes = changesEnvironment(join(path, 'src')) || manifest.bin !== undefined
  if (manifest.sideEffects !== changes)
    problems.push(
      `packages/${folder}/package.json: sideEffects must be ${changes}, since ${changes ? 'an import sets a variable of the environment or starts a command' : 'an import does nothing'}, got ${manifest.sideEffects}`,
    )
  if (!existsSync(join(path, 'README.md')))
    problems.push(`packages/${folder}: must have a README.md, got none`)
  return problems
}

/** True if some source sets a variable of this process. */
function changesEnvironment(folder) {
  if (!existsSync(folder)) return false
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const sets = /\bprocess\.env(\.\w+|\[[^\]]+\])\s*(\?\?|\|\||&&)?=[^=]|\bObject\.assign\(process\.env\b/
  return files.some((file) => sets.test(readFileSync(join(folder, file), 'utf8')))
}

function rootProblems(root) {
  const text = (name) => (existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : '')
  const problems = []
  if (!/Copyright \d{4} \S/.test(text('LICENSE')))
    problems.push('LICENSE: must name year and owner in its appendix, got its placeholders or no file')
  if (text('NOTICE') === '') problems.push('NOTICE: must say what is followed here, got no file')
  return problems
}

/** The first changeset of `evolmm` is what its users read of it; `mstar-prm.ts` is the command `mstar prm`. */
function commandProblems(root) {
  const [commands, changesets] = ['packages/cli/src/commands', '.changeset'].map((path) => join(root, path))
  if (!existsSync(commands) || !existsSync(changesets)) return []
  const pending = readdirSync(changesets)
    .filter((name) => name.endsWith('.md'))
    .map((name) => readFileSync(join(changesets, name), 'utf8').split('---'))
    .filter(([, header = '']) => header.includes("'evolmm'"))
    .map(([, , ...text]) => text.join('---'))
    .find((text) => text.includes('First release'))
  if (pending === undefined) return []
  return readdirSync(commands)
    .map((file) => file.replace(/\.ts$/, '').replace('-', ' '))
    .filter((command) => !pending.includes(`\`${command}\``))
    .map((command) => `.changeset: the first changeset of evolmm must list its command ${command}, got none`)
}

function same(wanted) {
  const text = JSON.stringify(wanted)
  return [text, (value) => JSON.stringify(value) === text]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = manifestProblems(fileURLToPath(new URL('..', import.meta.url)))
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exit(1)
  console.log('every published package says what it must of itself')
}
