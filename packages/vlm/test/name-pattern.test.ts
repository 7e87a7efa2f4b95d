/** Patterns of adapters: they mean what they mean to a regular expression, and they end. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { namePattern } from '../src/adapter/name-pattern'

const free = () => undefined

/** A pattern of the grammar, over letters and signs that names have. */
const { pattern } = fc.letrec<{ pattern: string; sequence: string; part: string; atom: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((branches) => branches.join('|')),
  sequence: fc.array(tie('part'), { maxLength: 4 }).map((parts) => parts.join('')),
  part: fc
    .tuple(
      tie('atom'),
      fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{1,}', '{,2}'),
    )
    // To JavaScript `{,2}` is text.
    .map(([atom, quantifier]) => `${atom}${quantifier.replace('{,', '{0,')}`),
  atom: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      '1',
      '_',
      '.',
      '\\.',
      '\\d',
      '\\w',
      '\\D',
      '\\W',
      '\\s',
      '[ab]',
      '[^ab]',
      '[a-c1]',
      '[\\d.]',
    ),
    tie('pattern').map((inner) => `(${inner})`),
    tie('pattern').map((inner) => `(?:${inner})`),
  ),
}))
const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '2', '_', '.'), maxLength: 8 })

test('a pattern matches the names that it matches as a regular expression', () => {
  fc.assert(
    fc.property(pattern, fc.array(name, { minLength: 5, maxLength: 10 }), (source, names) => {
      // The other matcher goes back and forth, and takes for ever on a long one.
      fc.pre(source.length <= 60)
      const matches = namePattern(source)
      const expected = new RegExp(`^(?:${source})$`)
      for (const each of names) expect(matches(each, free), `${source} on ${each}`).toBe(expected.test(each))
    }),
    { seed: 7, numRuns: 3000 },
  )
})

test.each([
  ['^model\\.layers\\.\\d+\\.q_proj$', 'model.layers.12.q_proj', true],
  ['^model\\.layers\\.\\d+\\.q_proj$', 'model.layers..q_proj', false],
  ['(?:.*\\.)?(?:^model.q)', 'model.q', true],
  ['(?:.*\\.)?(?:^model.q)', 'a.model.q', false],
  ['layers\\.(?:[0-9]|1[0-5])\\..*(q|v)_proj', 'layers.15.self_attn.v_proj', true],
  ['layers\\.(?:[0-9]|1[0-5])\\..*(q|v)_proj', 'layers.16.self_attn.v_proj', false],
  ['a{,2}', 'aa', true],
  ['a{b}', 'a{b}', true],
  ['[]a]', ']', true],
])('%s on %s', (source, text, expected) => {
  expect(namePattern(source)(text, free)).toBe(expected)
})

test.each([
  '(',
  ')',
  'a)',
  '[a',
  '*a',
  'a**',
  'a++',
  '(?=a)',
  '(?P<x>a)',
  '(?i)a',
  '(a)\\1',
  '\\b',
  '\\',
  'a{2,1}',
  '[b-a]',
  'a{1000}',
  '((a{30}){30}){30}',
  'a'.repeat(1001),
])('%s is refused', (source) => {
  expect(() => namePattern(source)).toThrow()
})

test('the work is linear in the name, also where a backtracking matcher takes for ever', () => {
  for (const source of ['(.*)*x', '(a+)+b', '(a|a)*b', '(a|aa)+b', '(?:a?){60}a{60}']) {
    const work = [1000, 2000].map((length) => {
      let steps = 0
      expect(namePattern(source)('a'.repeat(length), (count) => (steps += count))).toBe(false)
      return steps
    })
    expect(work[1], source).toBeLessThanOrEqual(2 * work[0] + 1000)
  }
})
