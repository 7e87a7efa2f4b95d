/** Bytes are those of UTF-8, and their characters those of GPT-2's published table: 日 is written æĹ¥. */
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tokenText } from '../src/prompt/token-text'

function shown(token: string, bytes: readonly number[]): string {
  return tokenText({ token: () => token, decode: () => Buffer.from(bytes).toString('utf8') }, 0)
}

test.each([
  ['æĹ¥', [0xe6, 0x97, 0xa5], '日'],
  ['æĹ', [0xe6, 0x97], '<0xE6><0x97>'],
  ['¥', [0xa5], '<0xA5>'],
  ['Ġæ', [0x20, 0xe6], ' <0xE6>'],
  ['¥a', [0xa5, 0x61], '<0xA5>a'],
])('the token %s is shown as its characters and the bytes of those cut apart', (token, bytes, text) => {
  expect(shown(token, bytes)).toBe(text)
})

test('what is no byte-level token stays as it was decoded', () => {
  expect(shown('<|\u20ac|>', [0xe2])).toBe('\ufffd')
  expect(shown('\ufffd', [0xef, 0xbf, 0xbd])).toBe('\ufffd')
  expect(tokenText({ token: () => undefined, decode: () => '' }, 0)).toBe('')
})

sizedTest('pieces of any text hold its bytes, in order', { texts: [100, 300, 20_000] }, ({ count, seed }) => {
  const alphabet = Array.from({ length: 256 }, (_, byte) => byte)
  // By the definition in GPT-2's encoder: these as they are, the rest from 256 on.
  const plain = new Set(
    [
      ['!', '~'],
      ['¡', '¬'],
      ['®', 'ÿ'],
    ].flatMap(([first, last]) => alphabet.slice(first.charCodeAt(0), last.charCodeAt(0) + 1)),
  )
  const rest = alphabet.filter((byte) => !plain.has(byte))
  const written = (byte: number) => String.fromCodePoint(plain.has(byte) ? byte : 256 + rest.indexOf(byte))
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(), (text, at) => {
      const bytes = [...Buffer.from(text, 'utf8')]
      const cut = at % (bytes.length + 1)
      const pieces = [bytes.slice(0, cut), bytes.slice(cut)].map((piece) =>
        shown(piece.map(written).join(''), piece),
      )
      const back = pieces.map((piece) =>
        Buffer.concat(
          piece
            .split(/(<0x[0-9A-F]{2}>)/)
            .map((part) =>
              part.startsWith('<0x') ? Buffer.from(part.slice(3, 5), 'hex') : Buffer.from(part),
            ),
        ),
      )
      expect([...Buffer.concat(back)]).toEqual(bytes)
    }),
    { seed, numRuns: count },
  )
})
