import { expect, test } from 'vitest'
import { readBackbone } from '../src/backbones/open-backbone'
import { gridLayout, type Grid } from '../src/backbones/parts/patch-grid'
import { buildPrompt } from '../src/build-prompt'
import type { ChatMessage } from '../src/prompt/chat-message'
import { loadChatTemplate, parseChatTemplate } from '../src/prompt/chat-template'
import { coded, loadTiny, readFixture, tiny } from './prompt-checkpoint'

interface PromptCase {
  name: string
  messages: ChatMessage[]
  grids: Grid[]
  mergeSize: number
  variables: Record<string, unknown>
  text: string
  ids: number[]
}
interface Reference {
  cases: {
    name: string
    images: string[]
    system: string | null
    prompt: string
    chat_text: string
    prompt_ids: number[]
  }[]
  images: { file: string; grid_thw: Grid }[]
}
const { prompts } = readFixture('prompts/prompts.json') as { prompts: PromptCase[] }
const { cases, images } = readFixture('qwen2_5_vl-tiny/reference.json') as Reference
const { prompt: rules } = await readBackbone(tiny)
const common = { tokenizer: await loadTiny(), template: await loadChatTemplate({ folder: tiny }), rules }
const layouts = (grids: readonly Grid[], mergeSize = 2) =>
  grids.map((each) => gridLayout(each, { patchSize: 14, mergeSize }))

/** Runs of the image token, found independently of the code under test. */
function runs(ids: number[]) {
  return [
    ...ids
      .map((id) => (id === 613 ? 'I' : '-'))
      .join('')
      .matchAll(/I+/g),
  ].map((match) => ({
    start: match.index,
    length: match[0].length,
  }))
}

for (const { name, system, prompt, ...rest } of cases)
  test(`builds the prompt of reference case ${name} from a text`, () => {
    const grids = rest.images.map((image) => images.find(({ file }) => file === image)?.grid_thw) as Grid[]
    const built = buildPrompt({
      ...common,
      prompt,
      system: system ?? undefined,
      images: layouts(grids),
    })
    expect(built.text).toBe(rest.chat_text)
    expect([...built.ids]).toEqual(rest.prompt_ids)
    expect(built.imageSpans).toEqual(runs(rest.prompt_ids))
  })

for (const { name, text, ids, variables, grids, mergeSize, messages } of prompts)
  test(`builds the prompt of transformers: ${name}`, () => {
    const { add_generation_prompt: addGenerationPrompt = true, ...others } = variables
    const built = buildPrompt({
      ...common,
      messages,
      images: layouts(grids, mergeSize),
      addGenerationPrompt: addGenerationPrompt as boolean,
      variables: others,
    })
    expect(built.text).toBe(text)
    expect([...built.ids]).toEqual(ids)
    expect(built.imageSpans).toEqual(runs(ids))
  })

test('lets a template use the special tokens of the tokenizer, unless a variable says otherwise', () => {
  const template = parseChatTemplate('{{ eos_token }}{{ pad_token }}{{ bos_token }}')
  expect(buildPrompt({ ...common, template, prompt: '' }).text).toBe('<|im_end|><|endoftext|>')
  const variables = { pad_token: 'x' }
  expect(buildPrompt({ ...common, template, prompt: '', variables }).text).toBe('<|im_end|>x')
})

const [image] = layouts([[1, 4, 4]])

test('refuses another number of images than of placeholders', () => {
  const messages: ChatMessage[] = [
    { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'a' }] },
  ]
  expect(() => buildPrompt({ ...common, messages })).toThrow(
    coded('IMAGE_COUNT_MISMATCH', /got 1 for 0 images; give each image its place/),
  )
  expect(() => buildPrompt({ ...common, messages, images: [image, image] })).toThrow(
    coded('IMAGE_COUNT_MISMATCH', /got 1 for 2 images;/),
  )
  const blind = parseChatTemplate('{{ messages[0].role }}')
  expect(() => buildPrompt({ ...common, template: blind, prompt: 'a', images: [image] })).toThrow(
    coded('IMAGE_COUNT_MISMATCH', /got 0 for 1 image;/),
  )
})

test('says when a placeholder was typed in the text', () => {
  expect(() => buildPrompt({ ...common, prompt: 'What is <|image_pad|>?', images: [image] })).toThrow(
    coded('IMAGE_COUNT_MISMATCH', /got 2 for 1 image, 1 typed in a message's text; take it out/),
  )
  expect(() => buildPrompt({ ...common, messages: [{ role: 'user', content: '<|image_pad|>' }] })).toThrow(
    coded('IMAGE_COUNT_MISMATCH', /got 1 for 0 images, 1 typed/),
  )
})

test('refuses video', () => {
  expect(() => buildPrompt({ ...common, prompt: 'See <|video_pad|>' })).toThrow(coded('VIDEO_UNSUPPORTED'))
})

test('refuses messages of another form', () => {
  const wrong: [unknown, RegExp][] = [
    [[], /^messages:/],
    ['Hi', /^messages:/],
    [[null], /^messages\[0\]\.role:/],
    [[{ content: 'a' }], /^messages\[0\]\.role:/],
    [[{ role: 'user', content: 'a' }, { role: 'user' }], /^messages\[1\]\.content:/],
    [[{ role: 'user', content: ['a'] }], /^messages\[0\]\.content\[0\]:/],
    [[{ role: 'user', content: [{ type: 'image' }, { type: 'video' }] }], /^messages\[0\]\.content\[1\]:/],
    [[{ role: 'user', content: [{ type: 'text' }] }], /^messages\[0\]\.content\[0\]:/],
  ]
  for (const [messages, message] of wrong)
    expect(() => buildPrompt({ ...common, messages: messages as ChatMessage[] })).toThrow(
      coded('INVALID_OPTION', message),
    )
})

test('a prompt is one text, with or without a system text, or messages alone', () => {
  const messages = [{ role: 'user', content: 'a' }]
  const wrong: [object, RegExp][] = [
    [{}, /^prompt: must be a text, got undefined/],
    [{ prompt: 5 }, /^prompt: must be a text, got number/],
    [{ prompt: 'a', system: 5 }, /^system: must be a text, got number/],
    [{ messages, prompt: 'a' }, /^messages: must stand alone, got a prompt too/],
    [{ messages, system: 'a' }, /^messages: must stand alone, got a system text too/],
  ]
  for (const [given, message] of wrong)
    expect(() => buildPrompt({ ...common, ...(given as { prompt: string }) })).toThrow(
      coded('INVALID_OPTION', message),
    )
})
