/** A conversation becomes token ids: rendered by the chat template, with each image in the place of its placeholder. */
import { EvolmmError } from './errors'
import type { PromptRules, TokenizedText } from './backbones/prompt-rules'
import type { ImageLayout } from './backbones/vision'
import { checkMessages, textsOf, type ChatMessage } from './prompt/chat-message'
import type { ChatTemplate, RenderOptions } from './prompt/chat-template'
import type { Tokenizer } from './prompt/load-tokenizer'

export type BuildPromptOptions = Omit<RenderOptions, 'messages'> & {
  tokenizer: Tokenizer
  template: ChatTemplate
  rules: PromptRules
  /** The images in the order of the placeholders. @default no images */
  images?: readonly ImageLayout[] | undefined
} & (
    | { messages: readonly ChatMessage[]; prompt?: undefined; system?: undefined }
    /** One turn of the user: all images, then the text. */
    | { prompt: string; system?: string | undefined; messages?: undefined }
  )

export interface BuiltPrompt extends TokenizedText {
  /** The conversation that was rendered. */
  messages: readonly ChatMessage[]
  /** The text as rendered, one placeholder per image. */
  text: string
}

/**
 * Throws `IMAGE_COUNT_MISMATCH` unless there is one placeholder per image. A placeholder that somebody typed counts,
 * as it would in transformers: it is how a plain string can say where an image goes, and an error otherwise.
 */
export function buildPrompt(options: BuildPromptOptions): BuiltPrompt {
  const { tokenizer, template, rules, images = [], addGenerationPrompt, variables } = options
  const messages = messagesOf(options, images.length)
  checkMessages(messages)

  const text = template.render({
    messages,
    addGenerationPrompt,
    variables: { ...tokenizer.namedTokens, ...variables },
  })
  const placeholders = countPlaceholders(rules, text)
  if (placeholders !== images.length) {
    const typed = textsOf(messages).reduce((sum, each) => sum + countPlaceholders(rules, each), 0)
    throw new EvolmmError(
      'IMAGE_COUNT_MISMATCH',
      `prompt: must hold one placeholder per image, got ${placeholders} for ${images.length} ` +
        `image${images.length === 1 ? '' : 's'}${typed > 0 ? `, ${typed} typed in a message's text` : ''}; ` +
        (typed > 0 ? 'take it out of the text' : 'give each image its place in the messages'),
      { details: { placeholders, images: images.length, typed } },
    )
  }
  return { messages, text, ...rules.tokenize(text, images, tokenizer) }
}

function countPlaceholders({ placeholder }: PromptRules, text: string): number {
  return placeholder === undefined ? 0 : (text.match(placeholder) ?? []).length
}

/** The messages, whichever of the two forms was given. */
function messagesOf(options: BuildPromptOptions, images: number): readonly ChatMessage[] {
  const { prompt, system, messages } = options as Partial<Record<'prompt' | 'system' | 'messages', unknown>>
  const refused = (option: string, rule: string, got: string) =>
    new EvolmmError('INVALID_OPTION', `${option}: must ${rule}, got ${got}; pass a text, or messages alone`, {
      details: { option },
    })
  if (messages !== undefined) {
    if (prompt !== undefined || system !== undefined)
      throw refused('messages', 'stand alone', prompt === undefined ? 'a system text too' : 'a prompt too')
    return messages as readonly ChatMessage[]
  }
  if (typeof prompt !== 'string') throw refused('prompt', 'be a text', typeof prompt)
  if (system !== undefined && typeof system !== 'string') throw refused('system', 'be a text', typeof system)
  return userTurn(prompt, system, images)
}

function userTurn(prompt: string, system: string | undefined, images: number): ChatMessage[] {
  const places = Array.from({ length: images }, () => ({ type: 'image' }) as const)
  return [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: [...places, { type: 'text', text: prompt }] },
  ]
}
