/**
 * From a conversation to token ids: rendered by the chat template, tokenized, and each image's placeholder repeated
 * once per merged patch of the image, as a transformers processor does it.
 */
import { checkInteger, EvolmmError } from '@evolmm/internal'
import type { QwenConfig } from '../backbones/qwen2_5_vl/config'
import { checkMessages, textsOf, type ChatMessage } from './chat-message'
import type { ChatTemplate, RenderOptions } from './chat-template'
import { imageTokenCount, type Grid } from '../backbones/parts/image-token-count'
import type { Tokenizer } from './load-tokenizer'
import { videoError } from '../backbones/parts/video-error'

export type BuildPromptOptions = Omit<RenderOptions, 'messages'> & {
  tokenizer: Tokenizer
  template: ChatTemplate
  config: Pick<QwenConfig, 'imageToken' | 'videoToken'> & {
    vision: Pick<QwenConfig['vision'], 'spatialMergeSize'>
  }
  /** Patches of each image, in the order of the placeholders. @default no images */
  grids?: readonly Grid[] | undefined
  /** Side of the squares of patches that become one token. @default `config.vision.spatialMergeSize` */
  mergeSize?: number | undefined
} & (
    | { messages: readonly ChatMessage[]; prompt?: undefined; system?: undefined }
    /** One turn of the user: all images, then the text. */
    | { prompt: string; system?: string | undefined; messages?: undefined }
  )

export interface Prompt {
  /** The conversation that was rendered. */
  messages: readonly ChatMessage[]
  /** As rendered: one placeholder per image. */
  text: string
  /** `[T]`. */
  ids: Int32Array
  /** The tokens of each image. */
  imageSpans: { start: number; length: number }[]
}

/**
 * Throws `IMAGE_COUNT_MISMATCH` unless there is one placeholder per image. A placeholder that somebody typed counts,
 * as it would in transformers: it is how a plain string can say where an image goes, and an error otherwise.
 */
export function buildPrompt(options: BuildPromptOptions): Prompt {
  const { tokenizer, template, config, grids = [], addGenerationPrompt, variables } = options
  const mergeSize = checkInteger('mergeSize', options.mergeSize ?? config.vision.spatialMergeSize, { min: 1 })
  const lengths = grids.map((grid) => imageTokenCount(grid, mergeSize))
  const messages = messagesOf(options, grids.length)
  checkMessages(messages)

  const text = template.render({
    messages,
    addGenerationPrompt,
    variables: { ...tokenizer.namedTokens, ...variables },
  })
  const unexpanded = tokenizer.encode(text)
  if (unexpanded.includes(config.videoToken)) throw videoError()
  const placeholders = unexpanded.filter((id) => id === config.imageToken).length
  if (placeholders !== grids.length) {
    const typed = countTyped(tokenizer, config.imageToken, messages)
    throw new EvolmmError(
      'IMAGE_COUNT_MISMATCH',
      `prompt: must hold one placeholder per image, got ${placeholders} for ${grids.length} ` +
        `image${grids.length === 1 ? '' : 's'}${typed > 0 ? `, ${typed} typed in a message's text` : ''}; ` +
        (typed > 0 ? 'take it out of the text' : 'give each image its place in the messages'),
      { details: { placeholders, images: grids.length, typed } },
    )
  }
  return { messages, text, ...expand(unexpanded, config.imageToken, lengths) }
}

/** Of the two forms one. */
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

/** Special tokens are cut out before the rest is tokenized, so that repeating ids is the same as repeating text. */
function expand(unexpanded: readonly number[], imageToken: number, lengths: readonly number[]) {
  const ids = new Int32Array(unexpanded.length + lengths.reduce((sum, length) => sum + length - 1, 0))
  const imageSpans: Prompt['imageSpans'] = []
  let place = 0
  for (const id of unexpanded) {
    const length = id === imageToken ? (lengths[imageSpans.length] ?? 0) : 1
    if (id === imageToken) imageSpans.push({ start: place, length })
    ids.fill(id, place, place + length)
    place += length
  }
  return { ids, imageSpans }
}

function countTyped(tokenizer: Tokenizer, imageToken: number, messages: readonly ChatMessage[]): number {
  const ids = textsOf(messages).flatMap((text) => tokenizer.encode(text))
  return ids.filter((id) => id === imageToken).length
}
