/** What the page says of supervised learning follows from its loss. */
import { expect, test } from 'vitest'
import { sft } from '../src'

const sums = { answers: 40, images: 1, tokens: 120 }

test.each([
  ['fall', 2, 1.5, 'It did: the loss fell from 2.00 to 1.50 nats a token.'],
  ['rise', 1.5, 2, 'It did not: the loss rose from 1.50 to 2.00 nats a token.'],
  ['none', 2, 1.99, 'Nothing shows that it did: the loss was 2.00 nats a token at first and 1.99 at the end'],
] as const)('the sentence about a loss: %s', (direction, first, last, sentence) => {
  const said = sft.page?.introduction?.(sums, new Map([['loss', { first, last, direction }]]))
  expect(said).toContain('was shown 40 answers to questions about 1 picture, to learn to give them.')
  expect(said).toContain(sentence)
})

test('a run of one step says nothing of its loss', () => {
  expect(sft.page?.introduction?.(sums, new Map())).toContain('Too little was recorded to say')
})
