/** These rules say how conversations become tokens. */
import type { JsonObject } from '../checkpoint/read-checkpoint-file'
import type { ChatTemplate } from '../prompt/chat-template'
import type { Tokenizer } from '../prompt/load-tokenizer'
import type { ImageLayout } from './vision'

export interface PromptRules {
  /** Tokens that the tokenizer must have, with these ids. */
  tokens: ReadonlyMap<string, number>
  /** The text of a rendered conversation that says that an image goes here; global. @default no images */
  placeholder?: RegExp
  /** What a template writes between turns or for an image: a text with it would be read as another conversation. */
  marker: RegExp
  /** Tokens that end an answer besides those that the checkpoint's files name. @default none */
  stopTokens?: readonly string[]
  /**
   * What stands for `tokenizer.json` of a folder without one, made from what it has instead, or nothing if that is not
   * there either. @default the file must be there
   */
  tokenizerJson?: (folder: string) => Promise<JsonObject | undefined>
  /**
   * The template by which conversations are rendered where the checkpoint's does not say it, or takes messages of
   * another form: the function is handed one that loads the checkpoint's. @default the checkpoint's template, as it
   * is
   */
  chatTemplate?: (load: () => Promise<ChatTemplate>) => Promise<ChatTemplate>
  /** A rendered conversation, with as many placeholders as images, in tokens. */
  tokenize: (text: string, images: readonly ImageLayout[], tokenizer: Tokenizer) => TokenizedText
}

export interface TokenizedText {
  /** [T]. Where features are put in an id may be below zero: then no word stands there. */
  ids: Int32Array
  /** The places that features are put in, in their order. */
  imageSpans: Span[]
}

export interface Span {
  start: number
  length: number
}
