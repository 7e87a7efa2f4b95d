/** A conversation in the form that Hugging Face chat templates take. */
import { isObject } from '@evolmm/internal'
import { EvolmmError } from '../errors'

export type ChatPart = { type: 'image' } | { type: 'text'; text: string }

export interface ChatMessage {
  /** Usually `system`, `user` or `assistant`; the template decides. */
  role: string
  /** A text, or texts and places of images in order. */
  content: string | readonly ChatPart[]
}

/** Templates skip what they do not know without a word, so this does not. */
export function checkMessages(messages: readonly ChatMessage[]): void {
  const list: unknown = messages
  if (!Array.isArray(list) || list.length === 0)
    throw invalid('messages', 'a non-empty list of messages', list)
  for (const [i, message] of (list as unknown[]).entries()) {
    const { role, content } = (message ?? {}) as Partial<Record<keyof ChatMessage, unknown>>
    if (typeof role !== 'string') throw invalid(`messages[${i}].role`, 'a string', role)
    if (typeof content === 'string') continue
    if (!Array.isArray(content))
      throw invalid(`messages[${i}].content`, 'a string or a list of parts', content)
    for (const [j, part] of (content as unknown[]).entries())
      if (!isPart(part))
        throw invalid(`messages[${i}].content[${j}]`, "{ type: 'image' } or { type: 'text', text }", part)
  }
}

/** All text of the messages, placeholders of images not included. */
export function textsOf(messages: readonly ChatMessage[]): string[] {
  return messages.flatMap(({ content }) =>
    typeof content === 'string'
      ? [content]
      : content.flatMap((part) => (part.type === 'text' ? part.text : [])),
  )
}

function isPart(value: unknown): value is ChatPart {
  const part = isObject(value) ? value : {}
  return part.type === 'image' || (part.type === 'text' && typeof part.text === 'string')
}

function invalid(option: string, rule: string, value: unknown): EvolmmError {
  const got = typeof value === 'string' ? JSON.stringify(value) : typeof value
  return new EvolmmError('INVALID_OPTION', `${option}: must be ${rule}, got ${got}; pass such a value`, {
    details: { option, value },
  })
}
