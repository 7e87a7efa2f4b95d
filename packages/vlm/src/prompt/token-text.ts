/**
 * A token by itself, for people. Byte-level tokenizers cut inside of characters: 日 may be the bytes E6 97 and A5. What
 * is no whole character appears as bytes, <0xE6><0x97>.
 */
import { checkObject } from '@evolmm/internal'
import type { Tokenizer } from './load-tokenizer'

export function tokenText(tokenizer: Pick<Tokenizer, 'decode' | 'token'>, id: number): string {
  checkObject('tokenizer', tokenizer, 'decode')
  const text = tokenizer.decode([id])
  if (!text.includes('\ufffd')) return text
  const bytes = Array.from(tokenizer.token(id) ?? '', (character) => byteOf.get(character))
  return bytes.length > 0 && bytes.every((byte) => byte !== undefined) ? bytesText(bytes) : text
}

function bytesText(bytes: readonly number[]): string {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const [character, length] = characterAt(bytes, at)
    text += character ?? `<0x${bytes[at].toString(16).toUpperCase().padStart(2, '0')}>`
    at += length
  }
  return text
}

function characterAt(bytes: readonly number[], at: number): [character: string | undefined, length: number] {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++)
    try {
      return [decoder.decode(Uint8Array.from(bytes.slice(at, at + length))), length]
    } catch {
      // Not whole yet, or never.
    }
  return [undefined, 1]
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** GPT-2's alphabet: bytes that print stand for themselves, the others for the characters from U+0100 on, in order. */
const byteOf = new Map<string, number>()
for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
  byteOf.set(String.fromCodePoint(prints ? byte : next++), byte)
}
