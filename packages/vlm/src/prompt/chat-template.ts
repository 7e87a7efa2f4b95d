/**
 * The checkpoint's own chat template: found where a transformers processor finds it, rendered as `apply_chat_template`
 * renders it. (One difference: a template that prints a truth value, `none` or a list gets JSON's spelling, not Python's.)
 */
import { join } from 'node:path'
import { isObject } from '@evolmm/internal'
import { EvolmmError, type VlmErrorCode } from '../errors'
import { boundedTemplate, type BoundedTemplate } from './bounded-template'
import type { ChatMessage } from './chat-message'
import { damaged, readOptionalJson, readOptionalText } from '../checkpoint/read-checkpoint-file'

export interface ChatTemplate {
  /** The source of the template, in Jinja. */
  readonly source: string
  /** The conversation as one text, images as one placeholder each. Throws `CHAT_TEMPLATE_FAILED`. */
  render(options: RenderOptions): string
}

export interface RenderOptions {
  messages: readonly ChatMessage[]
  /** End with the opening of the assistant's turn. @default true */
  addGenerationPrompt?: boolean | undefined
  /** Further variables of the template, such as `add_vision_id` or `bos_token`. @default none */
  variables?: Readonly<Record<string, unknown>> | undefined
}

export interface LoadChatTemplateOptions {
  /** The folder that the checkpoint is in. */
  folder: string
  /** The name of the template, of a checkpoint with several. @default 'default' */
  name?: string | undefined
}

/**
 * The first of these that is there counts: `processor_config.json`, `chat_template.json`, `chat_template.jinja`
 * (these are the processor's), then `tokenizer_config.json`. Throws `CHAT_TEMPLATE_NOT_FOUND`,
 * `CHAT_TEMPLATE_INVALID` or `CHECKPOINT_FILE_DAMAGED`.
 */
export async function loadChatTemplate(options: LoadChatTemplateOptions): Promise<ChatTemplate> {
  const { folder, name = 'default' } = options
  const found = await findTemplates(folder)
  const source = found?.templates.get(name)
  if (found === undefined || source === undefined) {
    const got =
      found === undefined ? 'none' : `only ${[...found.templates.keys()].join(', ') || 'an empty list'}`
    throw new EvolmmError(
      'CHAT_TEMPLATE_NOT_FOUND',
      `checkpoint ${folder}: must have a chat template named "${name}", got ${got}; ` +
        'add a chat_template.jinja, or pass the name of a template that is there',
      { details: { folder, name } },
    )
  }
  return parseChatTemplate(source, found.file)
}

/** `origin` names the template in error messages. */
export function parseChatTemplate(source: string, origin = 'chat template'): ChatTemplate {
  let template: BoundedTemplate
  try {
    // Jinja reads every line end as a line feed.
    template = boundedTemplate(source.replace(/\r\n?/g, '\n'))
  } catch (cause) {
    throw templateError(
      'CHAT_TEMPLATE_INVALID',
      `${origin}: must be a Jinja template`,
      'mend the template',
      cause,
    )
  }
  return {
    source,
    render({ messages, addGenerationPrompt = true, variables = {} }) {
      try {
        return template({
          tools: null,
          documents: null,
          ...variables,
          messages,
          add_generation_prompt: addGenerationPrompt,
        })
      } catch (cause) {
        throw templateError(
          'CHAT_TEMPLATE_FAILED',
          `${origin}: must accept the messages`,
          'give it messages of the form that it expects',
          cause,
        )
      }
    },
  }
}

interface FoundTemplate {
  file: string
  templates: Map<string, string>
}

async function findTemplates(folder: string): Promise<FoundTemplate | undefined> {
  return (
    (await fromJson(folder, 'processor_config.json')) ??
    (await fromJson(folder, 'chat_template.json', true)) ??
    (await fromJinja(folder)) ??
    (await fromJson(folder, 'tokenizer_config.json'))
  )
}

async function fromJinja(folder: string): Promise<FoundTemplate | undefined> {
  const name = 'chat_template.jinja'
  const source = await readOptionalText(folder, name)
  if (source === undefined) return undefined
  return { file: join(folder, name), templates: new Map([['default', source]]) }
}

/** The field is a text, or several with names, as an object or as a list of `{ name, template }`. */
async function fromJson(folder: string, name: string, required = false): Promise<FoundTemplate | undefined> {
  const file = join(folder, name)
  const json = await readOptionalJson(folder, name)
  const value = json?.chat_template
  const isAbsent = value === undefined || value === null
  if (json === undefined || (isAbsent && !required)) return undefined
  const entries: unknown[][] = Array.isArray(value)
    ? value.map((item: unknown) => (isObject(item) ? [item.name, item.template] : []))
    : Object.entries(isObject(value) ? value : { default: value })
  if (!entries.every(isNamedText))
    throw damaged(file, 'chat_template must be a text or a list of named texts, got something else')
  return { file, templates: new Map(entries) }
}

function isNamedText(entry: unknown[]): entry is [string, string] {
  return typeof entry[0] === 'string' && typeof entry[1] === 'string'
}

function templateError(code: VlmErrorCode, subject: string, remedy: string, cause: unknown): EvolmmError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new EvolmmError(code, `${subject}, got "${why}"; ${remedy}`, { cause })
}
