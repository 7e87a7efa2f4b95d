/** Tokenizers of folders without a `tokenizer.json`; ids and files are those of transformers, `tokenizers` and sentencepiece. */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBackbone } from '../src/backbones/open-backbone'
import { sentencepieceBpe } from '../src/backbones/parts/sentencepiece-bpe'
import { vocabAndMerges } from '../src/backbones/parts/vocab-and-merges'
import { loadTokenizer } from '../src/prompt/load-tokenizer'
import { coded, expected, folderWith, readFixture, tiny } from './prompt-checkpoint'

interface Text {
  text: string
  ids: number[]
}
const { texts } = readFixture('prompts/prompts.json') as { texts: Text[] }
const { cases } = readFixture('qwen2_5_vl-tiny/reference.json') as {
  cases: { completion: string; completion_ids: number[] }[]
}
const { model: stored } = readFixture('qwen2_5_vl-tiny/tokenizer.json') as {
  model: { vocab: Record<string, number>; merges: [string, string][] }
}
const lines = ['#version: 0.2', ...stored.merges.map((pair) => pair.join(' ')), '']
/** The same tokenizer in the files of GPT-2. */
const parts = { 'vocab.json': stored.vocab, 'merges.txt': lines.join('\n'), 'tokenizer_config.json': true }

test('vocab.json and merges.txt give the ids of tokenizer.json', async () => {
  const { tokenizerJson: json } = (await readBackbone(tiny)).prompt
  for (const merges of [lines.join('\n'), lines.slice(1).join('\r\n')]) {
    const folder = folderWith({ ...parts, 'merges.txt': merges })
    const tokenizer = await loadTokenizer({ folder, ...expected, json })
    for (const { text, ids } of texts) expect([text, tokenizer.encode(text)]).toEqual([text, ids])
    for (const { completion, completion_ids: ids } of cases) {
      expect(tokenizer.encode(completion)).toEqual(ids)
      expect(tokenizer.decode(ids)).toBe(completion)
    }
  }
})

test('a tokenizer.json counts where there is one; with nothing of all that it is what is missing', async () => {
  const { tokenizerJson: json } = (await readBackbone(tiny)).prompt
  const both = folderWith({ ...parts, 'merges.txt': 'broken', 'tokenizer.json': true })
  await expect(loadTokenizer({ folder: both, ...expected, json })).resolves.toBeDefined()
  for (const files of [{ 'vocab.json': stored.vocab }, { 'merges.txt': lines.join('\n') }, {}])
    await expect(
      loadTokenizer({ folder: folderWith({ 'tokenizer_config.json': true, ...files }), ...expected, json }),
    ).rejects.toThrow(coded('CHECKPOINT_FILE_NOT_FOUND', /tokenizer\.json: must be a readable file/))
})

test.each([
  ['one word', 'e'],
  ['three words', 'e r s'],
  ['a word that is not there', 'e \u20ac'],
  ['words that are none together', 'q z'],
])('merges.txt with %s in a line is damaged', async (_, line) => {
  const folder = folderWith({ ...parts, 'merges.txt': `#version: 0.2\n${line}\n` })
  await expect(vocabAndMerges(folder, { pattern: 'x' })).rejects.toThrow(
    coded('CHECKPOINT_FILE_DAMAGED', /merges\.txt: line 2 must be two words of vocab\.json/),
  )
})

const internlm2 = join(import.meta.dirname, 'fixtures/internlm2-tokenizer')
const settings = { 'tokenizer_config.json': readFixture('internlm2-tokenizer/tokenizer_config.json') }
const bytes = readFileSync(join(internlm2, 'tokenizer.model'))

/** A folder with that `tokenizer.model`, and no added tokens unless there are such settings. */
const folderOf = (content: Uint8Array, given: object = { 'tokenizer_config.json': {} }) =>
  folderWith({ ...given, 'tokenizer.model': Buffer.from(content) })

test('tokenizer.model gives the tokenizer.json that Python makes of it, and its ids', async () => {
  const folder = folderWith(settings)
  copyFileSync(join(internlm2, 'tokenizer.model'), join(folder, 'tokenizer.model'))
  expect(await sentencepieceBpe(folder)).toEqual(readFixture('internlm2-tokenizer/tokenizer.json'))
  const known = { tokens: new Map([['<|im_end|>', 549]]), vocabularySize: 560 }
  const tokenizer = await loadTokenizer({ folder, ...known, json: sentencepieceBpe })
  const encoded = readFixture('internlm2-tokenizer/texts.json') as Text[]
  expect(encoded).toHaveLength(5)
  for (const { text, ids } of encoded) {
    expect(tokenizer.encode(text)).toEqual(ids)
    expect(tokenizer.decode(ids)).toBe(text)
  }
  expect(await sentencepieceBpe(folderWith(settings))).toBeUndefined()
})

/** Messages of a protobuf, as the format's definition has them. */
const varint = (value: number): number[] =>
  value > 127 ? [(value % 128) + 128, ...varint(Math.floor(value / 128))] : [value]
const number = (field: number, value: number) => [...varint(field * 8), ...varint(value)]
const raw = (field: number, content: readonly number[]) => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
]
const float = (field: number, value: number) => [
  ...varint(field * 8 + 5),
  ...new Uint8Array(Float32Array.of(value).buffer),
]
const piece = (text: string, score: number) => raw(1, [...raw(1, [...Buffer.from(text)]), ...float(2, score)])
const bpe = raw(2, number(3, 2))
const plain = raw(3, [...number(3, 0), ...number(4, 0)])
const small = [...piece('a', -1), ...piece('b', -2), ...piece('ab', 0), ...piece('ba', 0)]

test('pieces are merged by falling score; a dummy prefix is one where the file does not say otherwise', async () => {
  const made = await sentencepieceBpe(
    folderOf(Uint8Array.from([...small, ...piece('aba', 1), ...bpe, ...raw(3, number(4, 0))])),
  )
  expect(made).toMatchObject({
    normalizer: { normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'Replace' }] },
    model: {
      // The best piece first, which two cuts make; then equal scores in the order of the file.
      merges: [
        ['a', 'ba'],
        ['ab', 'a'],
        ['a', 'b'],
        ['b', 'a'],
      ],
    },
  })
})

test.each([
  ['unigram', [...small, ...plain], /must be a BPE, .* got unigram/],
  ['another algorithm', [...small, ...raw(2, number(3, 4)), ...plain], /must be a BPE, .* got 4/],
  ['a table of characters', [...small, ...bpe, ...plain, ...raw(3, raw(2, [1]))], /leave characters/],
  ['fewer spaces', [...small, ...bpe], /keep every space/],
  ['other spaces', [...small, ...bpe, ...plain, ...raw(3, number(5, 0))], /write a space as ▁/],
  [
    'spaces as suffixes',
    [...small, ...raw(2, [...number(3, 2), ...number(24, 1)]), ...plain],
    /write a space/,
  ],
] as const)('a tokenizer.model with %s is not supported, and says so', async (_, content, message) => {
  await expect(sentencepieceBpe(folderOf(Uint8Array.from(content)))).rejects.toThrow(
    coded('UNSUPPORTED_MODEL', message),
  )
})

test.each([
  ['nothing', [], /got no pieces/],
  ['no pieces', [...bpe, ...plain], /got no pieces/],
  [
    'a piece twice',
    [...small, ...piece('a', 0), ...bpe, ...plain],
    /must have each piece once, got "a" twice/,
  ],
  ['a piece without a text', [...raw(1, float(2, 1)), ...bpe, ...plain], /piece 0 must have a text/],
  ['a text that is a number', [...raw(1, number(1, 1)), ...bpe, ...plain], /piece 0 must have a text/],
  ['a score that is text', [...raw(1, [...raw(1, [97]), ...raw(2, [97])]), ...bpe], /must have numbers/],
  ['a score that is no number', [...piece('a', NaN), ...bpe], /piece 0 must have a finite score, got NaN/],
  ['a piece of other bytes', [...raw(1, raw(1, [255])), ...bpe], /piece 0 must be UTF-8/],
  ['a long piece', [...piece('a'.repeat(1025), 0), ...bpe], /piece 0 must have 1024 bytes at most, got 1025/],
  ['a number for a piece', number(1, 1), /must have messages/],
  ['a length beyond the end', [...small, 10, 255, 255, 255, 255, 15], /must be a whole protobuf/],
  [
    'an integer without an end',
    [...small, 8, ...Array<number>(11).fill(255)],
    /must have integers of 64 bits/,
  ],
  ['another kind of field', [...small, 11], /got kind 3/],
] as const)('a tokenizer.model with %s is damaged', async (_, content, message) => {
  await expect(sentencepieceBpe(folderOf(Uint8Array.from(content)))).rejects.toThrow(
    coded('CHECKPOINT_FILE_DAMAGED', message),
  )
})

test('a tokenizer.model that is cut off or has one byte changed is read, or is one typed error', async () => {
  const typed = expect.objectContaining({
    code: expect.stringMatching(/^(CHECKPOINT_FILE_DAMAGED|UNSUPPORTED_MODEL)$/) as string,
  }) as Error
  for (let i = 0; i < 60; i++) {
    const at = (i * 7919) % bytes.length
    const changed = Uint8Array.from(bytes)
    changed[at] ^= 1 << (i % 8)
    for (const content of [bytes.subarray(0, at), changed])
      await sentencepieceBpe(folderOf(content, settings)).catch((error: unknown) => {
        expect(error).toEqual(typed)
      })
  }
})

test('an added token without a content is damaged', async () => {
  const folder = folderWith({
    'tokenizer.model': bytes,
    'tokenizer_config.json': { added_tokens_decoder: { 3: { content: 4 } } },
  })
  await expect(sentencepieceBpe(folder)).rejects.toThrow(
    coded('CHECKPOINT_FILE_DAMAGED', /token 3 of added_tokens_decoder must have a content, got 4/),
  )
})
