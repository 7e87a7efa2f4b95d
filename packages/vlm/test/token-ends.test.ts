/** The ends of tokens in a text are compared with the decoding of each beginning. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tokenEnds } from '../src'
import { loadTiny } from './prompt-checkpoint'

const tokenizer = await loadTiny()

test('a token ends where the text of all up to it ends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
      const ids = tokenizer.encode(text)
      const ends = [...tokenEnds(tokenizer, ids)]
      const whole = tokenizer.decode(ids)
      // Where the beginning is no whole text, its last character is not there yet.
      const want = ids.map((_, i) => tokenizer.decode(ids.slice(0, i + 1)))
      for (const [i, end] of ends.entries()) {
        if (!want[i].includes('\ufffd')) expect(end).toBe(want[i].length)
        expect(end).toBeLessThanOrEqual(whole.length)
        if (i > 0) expect(end).toBeGreaterThanOrEqual(ends[i - 1])
      }
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('a special token has no text, and no tokens no ends', () => {
  const ids = [...tokenizer.encode('two bars'), ...tokenizer.encode('<|im_end|>')]
  expect(tokenEnds(tokenizer, ids).at(-1)).toBe('two bars'.length)
  expect([...tokenEnds(tokenizer, [])]).toEqual([])
})
