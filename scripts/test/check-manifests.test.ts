import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { manifestProblems } from '../check-manifests.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
})

/** A tree with the package `hub` as it is here, parts of its manifest replaced, and further files. */
function problems(changes: object = {}, files: Record<string, string> = {}): string[] {
  const copy = mkdtempSync(join(tmpdir(), 'manifests-'))
  made.push(copy)
  const manifest = JSON.parse(readFileSync(join(root, 'packages/hub/package.json'), 'utf8')) as object
  for (const name of ['LICENSE', 'NOTICE']) cpSync(join(root, name), join(copy, name))
  const all = {
    'packages/hub/package.json': JSON.stringify({ ...manifest, ...changes }),
    'packages/hub/README.md': '# hub',
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    writeFileSync(join(copy, path), text)
  }
  return manifestProblems(copy)
}

test('every package here says what it must', () => {
  expect(manifestProblems(root)).toEqual([])
  expect(problems()).toEqual([])
})

test.each([
  ['keywords', undefined],
  ['keywords', ['a', 'a', 'a']],
  ['homepage', 'https://github.com/evolmm/evolmm'],
  ['bugs', undefined],
  ['repository', { type: 'git', url: 'git+https://github.com/evolmm/evolmm.git', directory: 'packages/vlm' }],
  ['license', 'MIT'],
  ['description', 'short'],
  ['engines', undefined],
  ['publishConfig', undefined],
  ['sideEffects', undefined],
  ['sideEffects', true],
])('%s must not be %s', (field, value) => {
  const found = problems({ [field]: value })
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(new RegExp(`^packages/hub/package\\.json: ${field} must be `))
})

test('a private package need not say anything', () => {
  expect(problems({ private: true, keywords: undefined })).toEqual([])
})

test.each([`process.env.A = '1'`, `process.env['A'] ??= '1'`, `Object.assign(process.env, { A: '1' })`])(
  'an import has effects where it does this: %s',
  (text) => {
    const files = { 'packages/hub/src/runtime/a.ts': text }
    expect(problems({}, files)).toEqual([expect.stringContaining('sideEffects must be true')])
    expect(problems({ sideEffects: true }, files)).toEqual([])
  },
)

test('reading a variable is no effect', () => {
  expect(problems({}, { 'packages/hub/src/a.ts': `export const a = process.env.A === '1'` })).toEqual([])
})

test('the licence names its owner, and there is a notice', () => {
  const files = { LICENSE: 'Copyright [yyyy] [name of copyright owner]', NOTICE: '' }
  expect(problems({}, files)).toEqual([
    expect.stringMatching(/^LICENSE: /),
    expect.stringMatching(/^NOTICE: /),
  ])
})

test('the first changeset of the command lists every command', () => {
  const files = {
    'packages/cli/src/commands/train.ts': '',
    'packages/cli/src/commands/doctor.ts': '',
    '.changeset/cli.md': "---\n'evolmm': minor\n---\n\nFirst release: `train`.\n",
  }
  const cli = readFileSync(join(root, 'packages/cli/package.json'), 'utf8')
  const found = problems({}, { ...files, 'packages/cli/package.json': cli, 'packages/cli/README.md': '#' })
  expect(found).toEqual(['.changeset: the first changeset of evolmm must list its command doctor, got none'])
})
