import { expect, test } from 'vitest'
import { parseJson, parseObject } from '@evolmm/internal'

const nested = (depth: number, [open, close]: readonly [string, string]) =>
  `${open.repeat(depth)}1${close.repeat(depth)}`

test.each([
  ['[', ']'],
  ['{"a":', '}'],
] as const)(
  'JSON in %s may be nested, but not so deeply that going through it overflows the stack',
  (...pair) => {
    expect(JSON.stringify(parseJson(nested(500, pair)))).toBe(nested(500, pair))
    for (const depth of [501, 10_000, 1_000_000])
      expect(() => parseJson(nested(depth, pair))).toThrow(SyntaxError)
  },
)

test('what git-LFS leaves in the place of a file is called by its name', () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123\n`
  expect(() => parseJson(pointer)).toThrow(new SyntaxError('a pointer of git-LFS; run "git lfs pull"'))
})

test('what is no object, or an object that is too deep, is none', () => {
  expect(parseObject('{"a": [1]}')).toEqual({ a: [1] })
  for (const text of ['', '{', '[]', 'null', '7', nested(501, ['{"a":', '}'])])
    expect(parseObject(text)).toBeUndefined()
})
