/**
 * The files of a tokenizer as Qwen2.5-VL checkpoints have them: `tokenizer.json` for the fast tokenizer, `vocab.json` and
 * `merges.txt` for the slow one, settings and the special tokens.
 */
import { qwenPattern, type BytePairs } from './train-bpe'

export const specialTokens = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|vision_pad|>',
  '<|image_pad|>',
  '<|video_pad|>',
] as const

/** Ids of the special tokens, which come after the words. */
export function specialIds({ vocabulary }: BytePairs): Record<(typeof specialTokens)[number], number> {
  return Object.fromEntries(specialTokens.map((token, i) => [token, vocabulary.length + i])) as ReturnType<
    typeof specialIds
  >
}

/** Content by file name. */
export function tokenizerFiles(words: BytePairs, chatTemplate: string): Record<string, string> {
  const { vocabulary, merges } = words
  const vocab = Object.fromEntries(vocabulary.map((word, id) => [word, id]))
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  const added = Object.entries(specialIds(words)).map(([content, id]) => ({ id, content, ...flags }))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
  const named = { eos_token: '<|im_end|>', pad_token: '<|endoftext|>' }
  const split = { type: 'Split', pattern: { Regex: qwenPattern }, behavior: 'Isolated', invert: false }
  return {
    'tokenizer.json': json({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
      post_processor: null,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab,
        merges,
      },
    }),
    'tokenizer_config.json': json({
      tokenizer_class: 'Qwen2Tokenizer',
      model_max_length: 32768,
      bos_token: null,
      unk_token: null,
      ...named,
      add_bos_token: false,
      add_prefix_space: false,
      clean_up_tokenization_spaces: false,
      errors: 'replace',
      split_special_tokens: false,
      additional_special_tokens: specialTokens.slice(1),
      added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [String(id), token])),
      chat_template: chatTemplate,
    }),
    'special_tokens_map.json': json({ additional_special_tokens: specialTokens.slice(1), ...named }),
    'vocab.json': json(vocab),
    'merges.txt': ['#version: 0.2', ...merges.map((pair) => pair.join(' ')), ''].join('\n'),
    'chat_template.json': json({ chat_template: chatTemplate }),
  }
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`
}
