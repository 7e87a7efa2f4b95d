import { checkTokenizerFile } from '../src/prompt/tokenizer-file'
import { expect, test } from 'vitest'
import { loadTokenizer } from '../src/prompt/load-tokenizer'
import { coded, expected, folderWith, loadTiny, readFixture, tiny } from './prompt-checkpoint'

interface Reference {
  texts: { text: string; ids: number[] }[]
  decoded: { ids: number[]; text: string; skipped: string }[]
}
const { texts, decoded } = readFixture('prompts/prompts.json') as Reference
const { cases } = readFixture('qwen2_5_vl-tiny/reference.json') as {
  cases: { completion: string; completion_ids: number[]; greedy_ids: number[]; greedy_text: string }[]
}

interface TokenizerJson {
  added_tokens: { id: number; content: string; special: boolean }[]
  model: Record<string, unknown>
}
const json = () => readFixture('qwen2_5_vl-tiny/tokenizer.json') as TokenizerJson
const load = (files: Record<string, unknown>, model = expected) =>
  loadTokenizer({
    folder: folderWith({ 'tokenizer.json': true, 'tokenizer_config.json': true, ...files }),
    ...model,
  })

test('gives the ids of the tokenizers crate for hard texts', async () => {
  const tokenizer = await loadTiny()
  for (const { text, ids } of texts) expect([text, tokenizer.encode(text)]).toEqual([text, ids])
})

test('gives the text of the tokenizers crate for any ids, with and without special tokens', async () => {
  const tokenizer = await loadTiny()
  for (const { ids, text, skipped } of decoded) {
    expect([ids, tokenizer.decode(ids)]).toEqual([ids, text])
    expect([ids, tokenizer.decode(Int32Array.from(ids), { skipSpecial: true })]).toEqual([ids, skipped])
  }
})

test('encodes the completions and decodes the greedy tokens of the reference', async () => {
  const tokenizer = await loadTiny()
  for (const { completion, completion_ids, greedy_ids, greedy_text } of cases) {
    expect(tokenizer.encode(completion)).toEqual(completion_ids)
    expect(tokenizer.decode(greedy_ids)).toBe(greedy_text)
  }
})

test('decodes nothing to nothing', async () => {
  const tokenizer = await loadTiny()
  expect(tokenizer.decode([])).toBe('')
  expect(tokenizer.decode([603], { skipSpecial: true })).toBe('')
  expect(tokenizer.encode('')).toEqual([])
})

test('keeps spaces before punctuation although the configuration does not say so', async () => {
  const tokenizer = await load({ 'tokenizer_config.json': {} })
  expect(tokenizer.decode(tokenizer.encode("a , b ! do n't"))).toBe("a , b ! do n't")
})

test('ids without a token give no text, not the unknown token', async () => {
  const { model, ...rest } = json()
  const tokenizer = await load({ 'tokenizer.json': { ...rest, model: { ...model, unk_token: 'a' } } })
  expect(tokenizer.decode([64, 639, 65, 1e9])).toBe('ab')
})

test('tells tokens, ids, special tokens and the tokens that have names', async () => {
  const tokenizer = await loadTiny()
  expect(tokenizer.vocabularySize).toBe(615)
  expect(tokenizer.tokenId('<|im_end|>')).toBe(603)
  expect(tokenizer.tokenId('<|nothing|>')).toBeUndefined()
  expect(tokenizer.token(613)).toBe('<|image_pad|>')
  expect(tokenizer.token(615)).toBeUndefined()
  expect([600, 601, 614, 615].map((id) => tokenizer.isSpecial(id))).toEqual([false, true, true, false])
  expect(tokenizer.namedTokens).toEqual({ eos_token: '<|im_end|>', pad_token: '<|endoftext|>' })
})

test('takes named and special tokens in the form of an object too', async () => {
  const tokenizer = await load({
    'tokenizer_config.json': {
      eos_token: { content: '<|im_end|>', special: true },
      bos_token: 3,
      additional_special_tokens: [{ content: 'a' }, 'b', 'no such token'],
    },
  })
  expect(tokenizer.namedTokens).toEqual({ eos_token: '<|im_end|>' })
  const ids = ['a', 'b', 'c'].map((token) => tokenizer.tokenId(token) ?? -1)
  expect(tokenizer.decode(ids)).toBe('abc')
  expect(tokenizer.decode(ids, { skipSpecial: true })).toBe('c')
})

test('refuses ids that are none and text that is not Unicode', async () => {
  const tokenizer = await loadTiny()
  for (const id of [-1, 0.5, NaN])
    expect(() => tokenizer.decode([id])).toThrow(coded('INVALID_OPTION', /^ids:/))
  for (const text of ['\ud83d', 'a\ude00b', 3 as unknown as string])
    expect(() => tokenizer.encode(text)).toThrow(coded('INVALID_OPTION', /^text:/))
})

test('refuses a folder without the files, or with damaged ones', async () => {
  const missing = folderWith({ 'tokenizer_config.json': true })
  await expect(loadTokenizer({ folder: missing, ...expected })).rejects.toThrow(
    coded('CHECKPOINT_FILE_NOT_FOUND', /tokenizer\.json: must be a readable file, got none;/),
  )
  await expect(loadTokenizer({ folder: `${tiny}/config.json`, ...expected })).rejects.toThrow(
    coded('CHECKPOINT_FILE_NOT_FOUND', /ENOTDIR/),
  )
  for (const [content, why] of [
    ['{"model":', /must be JSON/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /must be UTF-8/],
    ['[]', /must hold a JSON object/],
    ['null', /must hold a JSON object/],
    ['{}', /known kind/],
    [{ ...json(), added_tokens: 3 }, /known kind/],
    [{ ...json(), model: { type: 'Neural' } }, /known kind/],
  ] as const)
    await expect(load({ 'tokenizer.json': content })).rejects.toThrow(coded('CHECKPOINT_FILE_DAMAGED', why))
  await expect(load({ 'tokenizer_config.json': '' })).rejects.toThrow(coded('CHECKPOINT_FILE_DAMAGED'))
})

test('refuses a tokenizer whose image tokens are not those of the configuration', async () => {
  for (const token of expected.tokens.keys())
    await expect(load({}, { ...expected, tokens: new Map([[token, 7]]) })).rejects.toThrow(
      coded('TOKENIZER_MISMATCH', /must have id 7, got 61/),
    )
  const without = json()
  without.added_tokens = without.added_tokens.filter(({ content }) => content !== '<|image_pad|>')
  await expect(load({ 'tokenizer.json': without })).rejects.toThrow(
    coded('TOKENIZER_MISMATCH', /must have the token <\|image_pad\|>, with id 613, got none/),
  )
})

test('refuses a tokenizer with ids that the model has no embedding for', async () => {
  await expect(load({}, { ...expected, vocabularySize: 614 })).rejects.toThrow(
    coded('TOKENIZER_MISMATCH', /no id above 613, got 614/),
  )
})

const ids = [1e8, 'x', 1.5, null, 5e9, -1]

test.each(ids)('an id of %j is refused before anything is made of it', async (id) => {
  const { model, ...rest } = json()
  const vocab = { ...(model as { vocab: Record<string, unknown> }).vocab, strange: id }
  const why = /token "strange" must have an id from 0 to 4194303, got /
  await expect(load({ 'tokenizer.json': { ...rest, model: { ...model, vocab } } })).rejects.toThrow(
    coded('CHECKPOINT_FILE_DAMAGED', why),
  )
  const added = [{ id, content: 'strange', special: true }]
  await expect(load({ 'tokenizer.json': { ...rest, model, added_tokens: added } })).rejects.toThrow(
    coded('CHECKPOINT_FILE_DAMAGED', why),
  )
})

test.each([
  ['(a*)*b', /not repeat what repeats/],
  ['(?:a+|b)+c', /not repeat what repeats/],
  ['(?:a|a)*b', /what matches in several ways/],
  ['(?i:a?b?){2,}c', /what matches in several ways/],
  ['(?:a?){30}b', /match in 1000 ways at most/],
  [`${'a?'.repeat(28)}${'a'.repeat(28)}`, /match in 1000 ways at most/],
  [`${'(?:a|b|a)'.repeat(28)}c`, /match in 1000 ways at most/],
  ['a*a*a*a*b', /repeat without end three times/],
  ['a*(?:|x)a*(?:|x)a*(?:|x)a*b', /repeat without end three times/],
  ['(a+)\\1', /not refer back/],
  ['a'.repeat(5000), /be shorter/],
])('a pattern that may never end is refused: %s', async (Regex, why) => {
  const split = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }
  await expect(load({ 'tokenizer.json': { ...json(), pre_tokenizer: split } })).rejects.toThrow(
    coded('CHECKPOINT_FILE_DAMAGED', why),
  )
})

test.each([
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+",
  '\\p{N}{1,3}',
  '\\p{N}{1,3}(?=(?:\\p{N}{3})*\\b)',
])('a published pattern is not: %s', (Regex) => {
  expect(() => {
    checkTokenizerFile('tokenizer.json', { pre_tokenizer: { pattern: { Regex } } }, {})
  }).not.toThrow()
})
