/** A `tokenizer.model` of sentencepiece, as far as tokenizers are made of it: a protobuf of pieces and two specifications. */
import { damaged } from '../../checkpoint/read-checkpoint-file'

export interface SentencepieceModel {
  pieces: { text: string; score: number; kind: number }[]
  /** The number of the algorithm: 1 unigram, 2 BPE. */
  algorithm: number
  addDummyPrefix: boolean
  removeExtraWhitespaces: boolean
  /** False if a space is not written `▁` within pieces. */
  escapeWhitespaces: boolean
  /** True if characters are replaced before anything else. */
  replacesCharacters: boolean
  /** True if a space belongs to the word before it. */
  whitespaceAsSuffix: boolean
}

/** The `kind` of pieces. */
export const pieceKinds = { unknown: 2, byte: 6 } as const

/** Longer pieces than anybody trains, which are at most some dozen characters long. */
const longestPiece = 1024

/** Throws `CHECKPOINT_FILE_DAMAGED`; `file` is what it calls the bytes. */
export function parseSentencepiece(file: string, bytes: Uint8Array): SentencepieceModel {
  const pieces: SentencepieceModel['pieces'] = []
  const [trainer, normalizer] = [new Map<number, Value>(), new Map<number, Value>()]
  for (const [field, value] of fieldsOf(file, bytes)) {
    if (field === 1) pieces.push(pieceOf(file, message(file, value), pieces.length))
    // What comes again counts from then on, as in every protobuf.
    if (field === 2) for (const [name, each] of message(file, value)) trainer.set(name, each)
    if (field === 3) for (const [name, each] of message(file, value)) normalizer.set(name, each)
  }
  if (pieces.length === 0) throw damaged(file, 'must be a model of sentencepiece, got no pieces')
  const flag = (value: Value | undefined, unset: boolean) => (value === undefined ? unset : value !== 0)
  const map = normalizer.get(2)
  return {
    pieces,
    algorithm: numberOf(file, trainer.get(3) ?? 1),
    addDummyPrefix: flag(normalizer.get(3), true),
    removeExtraWhitespaces: flag(normalizer.get(4), true),
    escapeWhitespaces: flag(normalizer.get(5), true),
    replacesCharacters: map instanceof Uint8Array && map.length > 0,
    whitespaceAsSuffix: flag(trainer.get(24), false),
  }
}

function pieceOf(
  file: string,
  fields: ReadonlyMap<number, Value>,
  id: number,
): SentencepieceModel['pieces'][number] {
  const [bytes, score, kind] = [
    fields.get(1),
    numberOf(file, fields.get(2) ?? 0),
    numberOf(file, fields.get(3) ?? 1),
  ]
  const rule = (must: string, got: string) => damaged(file, `piece ${id} must ${must}, got ${got}`)
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) throw rule('have a text', 'none')
  if (bytes.length > longestPiece) throw rule(`have ${longestPiece} bytes at most`, `${bytes.length}`)
  if (!Number.isFinite(score)) throw rule('have a finite score', `${score}`)
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), score, kind }
  } catch {
    throw rule('be UTF-8 text', 'other bytes')
  }
}

type Value = number | Uint8Array

function message(file: string, value: Value): Map<number, Value> {
  if (value instanceof Uint8Array) return new Map(fieldsOf(file, value))
  throw damaged(file, 'must have messages in the places of messages, got a number')
}

function numberOf(file: string, value: Value): number {
  if (typeof value === 'number') return value
  throw damaged(file, `must have numbers in the places of numbers, got ${value.length} bytes`)
}

/** The fields of a message in their order: integers, 32-bit floats, and the bytes of all else. */
function* fieldsOf(file: string, bytes: Uint8Array): Generator<[field: number, value: Value]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const take = (count: number): number => {
    if (count > bytes.length - at)
      throw damaged(file, 'must be a whole protobuf, got one that ends within a field')
    at += count
    return at - count
  }
  const integer = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = view.getUint8(take(1))
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw damaged(file, 'must have integers of 64 bits, got a longer one')
  }
  while (at < bytes.length) {
    const key = integer()
    const [field, wire] = [Math.floor(key / 8), key % 8]
    if (wire === 0) yield [field, integer()]
    else if (wire === 5) yield [field, view.getFloat32(take(4), true)]
    else if (wire === 1 || wire === 2) {
      const length = wire === 1 ? 8 : integer()
      const start = take(length)
      yield [field, bytes.subarray(start, start + length)]
    } else throw damaged(file, `must have fields of the kinds of a protobuf, got kind ${wire}`)
  }
}
