import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createStreamDecoder } from '../src/prompt/stream-decoder'
import { loadTiny } from './prompt-checkpoint'

const tokenizer = await loadTiny()

function stream(ids: readonly number[], skipSpecial = false): string[] {
  const decoder = createStreamDecoder(tokenizer, { skipSpecial })
  return [...ids.map((id) => decoder.push(id)), decoder.end()]
}

/** Ids of texts with characters of one to four bytes, of cut characters, and of anything at all. */
const anyIds = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }).map((text) => tokenizer.encode(text)),
      fc
        .constantFrom('你好', '👩‍👩‍👧', 'é', '\ufffd', '\ufeff', '<|im_end|>')
        .map((text) => tokenizer.encode(text)),
      fc
        .tuple(fc.constantFrom('世界', '😀🏽', 'ß', '\u{10ffff}'), fc.nat(12), fc.nat(12))
        .map(([text, from, to]) => tokenizer.encode(text).slice(from, to)),
      fc.array(fc.integer({ min: 0, max: 639 }), { maxLength: 8 }),
      // Tokens of single bytes outside printable ASCII: few sequences of them are UTF-8.
      fc.array(fc.integer({ min: 94, max: 255 }), { maxLength: 12 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.flat())

sizedTest(
  'all pieces together are the text of all ids',
  { answers: [1000, 3000, 100_000] },
  ({ count, seed }) => {
    fc.assert(
      fc.property(anyIds, fc.boolean(), (ids, skipSpecial) => {
        expect(stream(ids, skipSpecial).join('')).toBe(tokenizer.decode(ids, { skipSpecial }))
      }),
      { seed, numRuns: count },
    )
  },
)

sizedTest(
  'what has been given out is never more, and at most one character less, than the text so far',
  { answers: [200, 500, 20_000] },
  ({ count, seed }) => {
    fc.assert(
      fc.property(anyIds, (ids) => {
        const decoder = createStreamDecoder(tokenizer)
        let given = ''
        for (const [i, id] of ids.entries()) {
          given += decoder.push(id)
          const sofar = tokenizer.decode(ids.slice(0, i + 1))
          expect(sofar.startsWith(given)).toBe(true)
          expect(sofar.length - given.length).toBe(sofar.endsWith('\ufffd') ? 1 : 0)
        }
      }),
      { seed, numRuns: count },
    )
  },
)

test('holds a character back until its last byte', () => {
  const ids = tokenizer.encode('a😀b')
  expect(ids).toHaveLength(6)
  expect(stream(ids)).toEqual(['a', '', '', '', '😀', 'b', ''])
})

test('gives out a character that never ended as U+FFFD at the end', () => {
  expect(stream(tokenizer.encode('a😀').slice(0, -1))).toEqual(['a', '', '', '', '\ufffd'])
})

test('starts anew after the end', () => {
  const decoder = createStreamDecoder(tokenizer)
  decoder.push(tokenizer.encode('😀')[0] ?? -1)
  expect(decoder.end()).toBe('\ufffd')
  expect(decoder.end()).toBe('')
  expect(tokenizer.encode('x y').map((id) => decoder.push(id))).toEqual(['x', ' ', 'y'])
})

test('decodes a bounded number of tokens for each new one, also in text that never becomes valid', () => {
  for (const ids of [tokenizer.encode('tallest bar? 你好 '.repeat(100)), Array<number>(1000).fill(160)]) {
    let longest = 0
    const decode: typeof tokenizer.decode = (window, options) => {
      longest = Math.max(longest, window.length)
      return tokenizer.decode(window, options)
    }
    const decoder = createStreamDecoder({ ...tokenizer, decode })
    const text = ids.map((id) => decoder.push(id)).join('') + decoder.end()
    expect(text).toBe(tokenizer.decode(ids))
    expect(longest).toBeLessThanOrEqual(8)
  }
})
