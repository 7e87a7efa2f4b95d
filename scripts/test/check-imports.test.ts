import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { importProblems } from '../check-imports.mjs'

const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
})

function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'imports-'))
  made.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

test('what the table allows passes', () => {
  const root = tree({
    'packages/vlm/src/index.ts': `import { grad } from '@evolmm/onnx'\nexport { a } from './a'`,
    'packages/vlm/src/a.ts': `import { EvolmmError } from '@evolmm/internal'\nimport fs from 'node:fs'\nexport const a = 1`,
  })
  expect(importProblems(root)).toEqual([])
})

test.each([
  ['import', `import { x } from '@evolmm/rewards'`],
  ['type import', `import type { X } from '@evolmm/rewards'`],
  ['re-export', `export { x } from '@evolmm/rewards'`],
  ['dynamic import', `export const x = () => import('@evolmm/rewards')`],
  ['subpath', `import { x } from '@evolmm/rewards/sub'`],
])('another package is refused: %s', (_kind, text) => {
  const [problem] = importProblems(tree({ 'packages/dataset/src/index.ts': text }))
  expect(problem).toMatch(/^packages\/dataset\/src\/index\.ts: dataset may not import @evolmm\/rewards/)
})

test.each([
  `import { loadVlm } from '@evolmm/vlm'`,
  `import { type Vlm } from '@evolmm/vlm'`,
  `import type { Vlm } from '@evolmm/vlm'\nexport { loadVlm } from '@evolmm/vlm'`,
  `import type { Vlm } from '@evolmm/vlm'\nexport const x = () => import('@evolmm/vlm')`,
])('eval imports types alone of vlm, and not: %s', (text) => {
  const types = `import type { Vlm } from '@evolmm/vlm'\nexport type { Sampler } from '@evolmm/vlm'`
  expect(importProblems(tree({ 'packages/eval/src/index.ts': types }))).toEqual([])
  expect(importProblems(tree({ 'packages/eval/src/index.ts': text }))).toEqual([
    'packages/eval/src/index.ts: eval may import types alone of @evolmm/vlm',
  ])
})

test('files outside the package, circles and unknown packages are refused', () => {
  const root = tree({
    'packages/rewards/src/index.ts': `import { x } from '../../dataset/src/index'`,
    'packages/onnx/src/a.ts': `import { b } from './b'`,
    'packages/onnx/src/b.ts': `import { c } from './deep/c'`,
    'packages/onnx/src/deep/c.ts': `import type { A } from '../a'`,
    'packages/other/src/index.ts': '',
  })
  expect(importProblems(root).sort()).toEqual([
    'packages/onnx/src: a.ts, b.ts, deep import one another: a.ts → b.ts, b.ts → deep/c.ts, deep/c.ts → a.ts',
    'packages/other: not in the import table of scripts/check-imports.mjs',
    'packages/rewards/src/index.ts: imports ../../dataset/src/index, outside its package',
  ])
})

test('folders that import one another are refused where no file does, at each depth; a file beside them is its own', () => {
  const root = tree({
    'packages/onnx/src/index.ts': `export { a } from './deep/one/a'`,
    'packages/onnx/src/deep/one/a.ts': `import { b } from '../two/b'`,
    'packages/onnx/src/deep/one/other.ts': `import { types } from '../../types'`,
    'packages/onnx/src/deep/two/b.ts': '',
    'packages/onnx/src/deep/two/c.ts': `import { other } from '../one/other'`,
    'packages/onnx/src/types.ts': '',
    'packages/rewards/src/x/a.ts': `import { b } from '../y/b'`,
    'packages/rewards/src/y/b.ts': `import { c } from '../z/c'`,
    'packages/rewards/src/z/c.ts': `import { d } from '../x/d'`,
    'packages/rewards/src/x/d.ts': '',
  })
  expect(importProblems(root).sort()).toEqual([
    'packages/onnx/src/deep: one, two import one another: one/a.ts → two/b.ts, two/c.ts → one/other.ts',
    'packages/rewards/src: x, y, z import one another: x/a.ts → y/b.ts, y/b.ts → z/c.ts, z/c.ts → x/d.ts',
  ])
})
