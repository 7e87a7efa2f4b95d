import { expect, test, vi } from 'vitest'
import { checkInteger, checkNumber, checkOneOf, errorWith, EvolmmError } from '@evolmm/internal'

test('carries code, details and cause, and is an Error', () => {
  const cause = new RangeError('inner')
  const error = new EvolmmError('SOME_CODE', 'Thing: must hold, got 3; do that', {
    details: { got: 3 },
    cause,
  })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'EvolmmError', code: 'SOME_CODE', details: { got: 3 }, cause })
  expect(new EvolmmError('X', 'x')).not.toHaveProperty('cause')
})

test('instanceof works across copies of the class and refuses everything else', async () => {
  vi.resetModules()
  const copy = await import('@evolmm/internal')
  expect(copy.EvolmmError).not.toBe(EvolmmError)
  expect(new copy.EvolmmError('X', 'x') instanceof EvolmmError).toBe(true)
  for (const other of [new Error('x'), null, undefined, 'x', {}])
    expect(other instanceof EvolmmError).toBe(false)
})

test('option checks return the value or name the option, the rule and what was got', () => {
  expect(checkNumber('gamma', 0.7, { min: 0, max: 1 })).toBe(0.7)
  expect(checkInteger('seed', 42)).toBe(42)
  expect(checkOneOf('kind', 'a', ['a', 'b'])).toBe('a')
  expect(() => checkNumber('gamma', -1, { min: 0 })).toThrow(
    'gamma: must be a finite number at least 0, got -1; pass such a value',
  )
  expect(() => checkNumber('gamma', NaN)).toThrow('gamma: must be a finite number, got NaN')
  expect(() => checkNumber('gamma', 1, { above: 0, below: 1 })).toThrow('above 0 and below 1')
  expect(() => checkNumber('gamma', 0, { above: 0 })).toThrow('above 0')
  expect(() => checkNumber('gamma', 2, { max: 1 })).toThrow('at most 1')
  expect(() => checkInteger('seed', 1.5)).toThrow('seed: must be an integer, got 1.5')
  expect(() => checkInteger('seed', '1')).toThrow('got "1"')
  expect(() => checkOneOf('kind', 'c', ['a', 'b'])).toThrow('kind: must be one of a, b, got "c"')
  for (const [value, shown] of [
    [[], 'an array'],
    [{}, 'an object'],
    [null, 'null'],
    [() => 0, 'a function'],
  ] as const)
    expect(() => checkNumber('x', value)).toThrow(`got ${shown}`)
  expect(() => checkNumber('x', '1')).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', details: { option: 'x', value: '1' } }),
  )
})

test('a package throws its own codes and no others, and tells them apart', () => {
  const Known = errorWith<'A' | 'B'>()
  const meaning = (error: unknown): string => {
    if (!(error instanceof Known)) return 'none of ours'
    switch (error.code) {
      case 'A':
        return 'first'
      case 'B':
        return 'second'
    }
  }
  expect(meaning(new Known('B', 'b: no'))).toBe('second')
  expect(meaning(new Error('B'))).toBe('none of ours')
  // @ts-expect-error a misspelled code
  expect(new Known('C', 'c: no')).toBeInstanceOf(EvolmmError)
})

test('a message that quotes a megabyte keeps its beginning and what to do; others stay as they are', () => {
  const usual = `x: must be short, got ${'y'.repeat(1400)}; shorten it`
  expect(new EvolmmError('X', usual).message).toBe(usual)
  const { message, stack } = new EvolmmError('X', `x: must be short, got ${'y'.repeat(1e6)}; shorten it`)
  expect(message).toMatch(/^x: must be short, got y+ \[… \d+ characters …\] y+; shorten it$/)
  expect(message.length).toBeLessThan(1500)
  expect(stack?.length).toBeLessThan(10_000)
})
