import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { commentProblems } from '../check-comments.mjs'

function problemsOf(text: string, file = 'src/a.ts'): string[] {
  const root = mkdtempSync(join(tmpdir(), 'comments-'))
  onTestFinished(() => {
    rmSync(root, { recursive: true })
  })
  const path = join(root, 'packages/vlm', file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return commentProblems(root)
}

test.each([
  '/** The seed of every draw. */',
  '/** [T, V] */',
  '/** @default 1 */',
  '/** `of` is a field. */',
  '/** Offsets are in bytes. */',
  '/** float32 [out, blocks] */',
  '/** `x W^T + bias`. */',
  '/** Throws `INVALID_OPTION`. */',
  '// Of every draw.',
  '/* Of every draw. */',
  "const x = '/** Of every draw. */'",
])('passes: %s', (text) => {
  expect(problemsOf(text)).toEqual([])
})

test.each([
  '/** Of every draw, together with its place. */',
  '/** of every draw */',
  '/**\n * With features.\n */',
  '/** Whether to go on. */',
])('is refused: %s', (text) => {
  expect(problemsOf(`export interface A {\n  ${text}\n  a: number\n}\n`)).toEqual([
    expect.stringMatching(/^packages\/vlm\/src\/a\.ts:2: begin with the subject: \w+/),
  ])
})

test.each([
  '/** Bytes. */',
  '/** Pairs of `rows`. */',
  '/** Sorted; nonempty. */',
  '/**\n * Closes all programs.\n */',
  '/** Prompts in one. @default 1 */',
  '/** The values, [S]. */',
])('is no sentence: %s', (text) => {
  expect(problemsOf(`export interface A {\n  ${text}\n  a: number\n}\n`)).toEqual([
    expect.stringMatching(/^packages\/vlm\/src\/a\.ts:2: say it in a sentence: \w+/),
  ])
})

test("generated files are nobody's words", () => {
  expect(problemsOf('/** Of a model. */', 'src/gen/a.ts')).toEqual([])
})

test.each(['test/support/a.ts', 'bench/a.mjs'])('tests and benches are read too: %s', (file) => {
  expect(problemsOf('/** Of a model. */', file)).toHaveLength(1)
  expect(problemsOf('/** Of a model. */', file.replace(/\w+$/, 'json'))).toEqual([])
})
