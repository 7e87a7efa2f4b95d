import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ChatMessage } from '../src/prompt/chat-message'
import { loadChatTemplate, parseChatTemplate } from '../src/prompt/chat-template'
import { coded, folderWith, readFixture, tiny } from './prompt-checkpoint'

interface TemplateCase {
  name: string
  template: string
  messages: ChatMessage[]
  variables: Record<string, unknown>
  special: Record<string, unknown>
  /** `null` where transformers refuses. */
  text: string | null
}
const { templates } = readFixture('prompts/prompts.json') as { templates: TemplateCase[] }
const messages: ChatMessage[] = [{ role: 'user', content: 'Hi' }]
const loaded = async (files: Record<string, unknown>, name?: string) =>
  (await loadChatTemplate({ folder: folderWith(files), name })).source

for (const { name, template, text, special, variables, ...rest } of templates)
  test(`renders as transformers: ${name}`, () => {
    const render = () =>
      parseChatTemplate(template).render({
        messages: rest.messages,
        addGenerationPrompt: false,
        variables: { ...special, ...variables },
      })
    if (text === null) expect(render).toThrow(coded(expect.stringMatching(/^CHAT_TEMPLATE_/) as string))
    else expect(render()).toBe(text)
  })

test('opens the answer of the assistant unless told otherwise', async () => {
  const template = await loadChatTemplate({ folder: tiny })
  const closed = template.render({ messages, addGenerationPrompt: false })
  expect(template.render({ messages })).toBe(`${closed}<|im_start|>assistant\n`)
})

// The order was found by giving such folders to ProcessorMixin.get_processor_dict of transformers 5.12.
test('takes the first of processor_config, chat_template.json, chat_template.jinja and tokenizer_config', async () => {
  const files: Record<string, unknown> = {
    'processor_config.json': { chat_template: 'P' },
    'chat_template.json': { chat_template: 'J' },
    'chat_template.jinja': 'R',
    'tokenizer_config.json': { chat_template: 'T' },
  }
  expect(await loaded(files)).toBe('P')
  expect(await loaded({ ...files, 'processor_config.json': { processor_class: 'X' } })).toBe('J')
  delete files['processor_config.json']
  expect(await loaded(files)).toBe('J')
  delete files['chat_template.json']
  expect(await loaded(files)).toBe('R')
  delete files['chat_template.jinja']
  expect(await loaded(files)).toBe('T')
})

test('takes the default of several templates, or the one that is named', async () => {
  const list = { chat_template: ['default', 'rag'].map((name) => ({ name, template: `[${name}]` })) }
  expect(await loaded({ 'tokenizer_config.json': list })).toBe('[default]')
  expect(await loaded({ 'tokenizer_config.json': list }, 'rag')).toBe('[rag]')
  expect(await loaded({ 'chat_template.json': { chat_template: { default: 'a', b: 'c' } } })).toBe('a')
  await expect(loaded({ 'tokenizer_config.json': list }, 'tool')).rejects.toThrow(
    coded('CHAT_TEMPLATE_NOT_FOUND', /named "tool", got only default, rag;/),
  )
  await expect(loaded({ 'tokenizer_config.json': { chat_template: [] } })).rejects.toThrow(
    coded('CHAT_TEMPLATE_NOT_FOUND', /got only an empty list/),
  )
})

test('refuses a checkpoint without a template', async () => {
  for (const files of [{}, { 'tokenizer_config.json': { chat_template: null } }])
    await expect(loaded(files)).rejects.toThrow(coded('CHAT_TEMPLATE_NOT_FOUND', /got none/))
})

test('refuses damaged files', async () => {
  const folder = folderWith({})
  mkdirSync(join(folder, 'chat_template.jinja'))
  await expect(loadChatTemplate({ folder })).rejects.toThrow(coded('CHECKPOINT_FILE_NOT_FOUND', /EISDIR/))
  for (const files of [
    { 'chat_template.json': {} },
    { 'chat_template.json': { chat_template: 3 } },
    { 'chat_template.json': '{' },
    { 'tokenizer_config.json': { chat_template: [{ name: 'default' }] } },
    { 'tokenizer_config.json': { chat_template: ['default'] } },
  ])
    await expect(loaded(files)).rejects.toThrow(coded('CHECKPOINT_FILE_DAMAGED'))
})

test('says which template is no Jinja, and what a template has against the messages', async () => {
  await expect(loaded({ 'chat_template.jinja': '{% if %}' })).rejects.toThrow(
    coded('CHAT_TEMPLATE_INVALID', /chat_template\.jinja: must be a Jinja template, got "/),
  )
  const template = parseChatTemplate("{{ raise_exception('System first') }}", 'mine')
  expect(() => template.render({ messages })).toThrow(
    coded('CHAT_TEMPLATE_FAILED', /^mine: must accept the messages, got "System first"/),
  )
})

test('reports variables that a template cannot hold', () => {
  const template = parseChatTemplate('{{ x }}')
  expect(() => template.render({ messages, variables: { x: Symbol('x') } })).toThrow(
    coded('CHAT_TEMPLATE_FAILED'),
  )
})
