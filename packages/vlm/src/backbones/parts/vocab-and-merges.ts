/** What stands for the `tokenizer.json` of a byte-level BPE: `vocab.json` and `merges.txt`, as GPT-2 came with. */
import { join } from 'node:path'
import {
  damaged,
  readJson,
  readOptionalJson,
  readOptionalText,
  type JsonObject,
} from '../../checkpoint/read-checkpoint-file'
import { addedTokens } from './added-tokens'

export interface VocabAndMergesOptions {
  /** The pieces that text is cut into before pairs are merged. */
  pattern: string
  /** The step that makes text uniform before that. @default none */
  normalizer?: JsonObject
}

/** Nothing for a folder without the two files. Throws `CHECKPOINT_FILE_DAMAGED`. */
export async function vocabAndMerges(
  folder: string,
  { pattern, normalizer }: VocabAndMergesOptions,
): Promise<JsonObject | undefined> {
  const [vocab, text] = await Promise.all([
    readOptionalJson(folder, 'vocab.json'),
    readOptionalText(folder, 'merges.txt'),
  ])
  if (vocab === undefined || text === undefined) return undefined
  const settings = await readJson(folder, 'tokenizer_config.json')
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(join(folder, 'tokenizer_config.json'), settings),
    normalizer: normalizer ?? null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, bytes] },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
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
      merges: mergesOf(join(folder, 'merges.txt'), text, new Set(Object.keys(vocab))),
    },
  }
}

/** A line is a pair of words that are one word together; the first line may say a version. */
function mergesOf(file: string, text: string, words: ReadonlySet<string>): string[][] {
  const lines = text.split(/\r?\n/)
  return lines.flatMap((line, i) => {
    if (line === '' || (i === 0 && line.startsWith('#version'))) return []
    const pair = line.split(' ')
    if (pair.length === 2 && [...pair, pair.join('')].every((word) => words.has(word))) return [pair]
    throw damaged(
      file,
      `line ${i + 1} must be two words of vocab.json that are one together, got ${JSON.stringify(line.slice(0, 80))}`,
    )
  })
}
