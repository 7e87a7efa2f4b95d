/** What stands for the `tokenizer.json` of a BPE of sentencepiece: its `tokenizer.model`. */
import { join } from 'node:path'
import { readIfThere } from '@evolmm/internal/node'
import { EvolmmError } from '../../errors'
import { damaged, readJson, type JsonObject } from '../../checkpoint/read-checkpoint-file'
import { addedTokens } from './added-tokens'
import { parseSentencepiece, pieceKinds, type SentencepieceModel } from './sentencepiece-model'

/**
 * Nothing for a folder without the file. Throws `CHECKPOINT_FILE_DAMAGED`, or `UNSUPPORTED_MODEL` for another algorithm
 * or a form of text that is not implemented.
 */
export async function sentencepieceBpe(folder: string): Promise<JsonObject | undefined> {
  const file = join(folder, 'tokenizer.model')
  const bytes = await readIfThere(file)
  if (bytes === undefined) return undefined
  const model = parseSentencepiece(file, bytes)
  checkKind(file, model)
  const added = addedTokens(
    join(folder, 'tokenizer_config.json'),
    await readJson(folder, 'tokenizer_config.json'),
  )
  const space = { String: ' ' }
  const prefix = model.addDummyPrefix ? [{ type: 'Prepend', prepend: '▁' }] : []
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: {
      type: 'Sequence',
      normalizers: [...prefix, { type: 'Replace', pattern: space, content: '▁' }],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(model.addDummyPrefix ? [strip] : []),
      ],
    },
    model: bpeOf(file, model, new Map(added.map(({ id, content }) => [id, content]))),
  }
}

function checkKind(file: string, model: SentencepieceModel): void {
  const refused = (rule: string, got: string) =>
    new EvolmmError(
      'UNSUPPORTED_MODEL',
      `${file}: must ${rule}, got ${got}; save the tokenizer as tokenizer.json with transformers`,
      { details: { file } },
    )
  if (model.algorithm !== 2)
    throw refused(
      'be a BPE, the algorithm implemented',
      model.algorithm === 1 ? 'unigram' : `${model.algorithm}`,
    )
  if (model.replacesCharacters) throw refused('leave characters as they are', 'a table that replaces some')
  if (model.removeExtraWhitespaces) throw refused('keep every space', 'one that removes some')
  if (!model.escapeWhitespaces || model.whitespaceAsSuffix)
    throw refused('write a space as ▁ before its word', 'another way')
}

/** `renamed` has the texts of added tokens, which stand in the places of pieces with their ids. */
function bpeOf(
  file: string,
  { pieces }: SentencepieceModel,
  renamed: ReadonlyMap<number, string>,
): JsonObject {
  const words = pieces.map(({ text, score }, id) => ({ text: renamed.get(id) ?? text, score, id }))
  const ids = new Map(words.map(({ text, id }) => [text, id]))
  if (ids.size < words.length) {
    const twice = words.find(({ text, id }) => ids.get(text) !== id)
    throw damaged(file, `must have each piece once, got ${JSON.stringify(twice?.text)} twice`)
  }
  // The best piece first, and those that are as good in the order of the vocabulary.
  const ordered = words.toSorted((a, b) => b.score - a.score)
  const unknown = words.find(({ id }) => pieces[id].kind === pieceKinds.unknown)
  return {
    type: 'BPE',
    dropout: null,
    unk_token: unknown?.text ?? null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: pieces.some(({ kind }) => kind === pieceKinds.byte),
    ignore_merges: false,
    vocab: Object.fromEntries(ids),
    merges: ordered.flatMap(({ text }) => cuts(text, ids)),
  }
}

/** The ways to cut a piece into two pieces, by their ids. */
function cuts(text: string, ids: ReadonlyMap<string, number>): [string, string][] {
  const found: { pair: [string, string]; order: [number, number] }[] = []
  for (let at = 1; at < text.length; at++) {
    const pair: [string, string] = [text.slice(0, at), text.slice(at)]
    const [first, second] = pair.map((part) => ids.get(part))
    if (first !== undefined && second !== undefined) found.push({ pair, order: [first, second] })
  }
  return found.sort(({ order: [a, b] }, { order: [c, d] }) => a - c || b - d).map(({ pair }) => pair)
}
