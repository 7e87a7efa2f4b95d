/** What is known of a model before its weights are there. Token counts are those of transformers' own processor. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkFolder, openConfig, readAdapterShape } from '@evolmm/vlm'
import { isolated, serveHub } from '@evolmm/internal/testing'
import { coded, folderWith, readFixture, tiny } from './prompt-checkpoint'

interface Reference {
  cases: {
    images: string[]
    system: string | null
    prompt: string
    prompt_ids: number[]
  }[]
  images: { file: string; width: number; height: number }[]
}
const { cases, images: sizes } = readFixture('qwen2_5_vl-tiny/reference.json') as Reference
const image = 613

test('a prompt is counted by the tokenizer of the folder, with its images as the processor lays them out', async () => {
  const { promptTokens, layout: layoutOf } = await openConfig(tiny)
  expect(new Set(cases.map(({ images }) => images.length))).toEqual(new Set([0, 1, 2]))
  for (const { prompt, system, images, prompt_ids: ids } of cases) {
    const layouts = images.map((name) =>
      layoutOf(sizes.find(({ file }) => file === name) ?? { width: 0, height: 0 }),
    )
    const tokens = layouts.reduce((sum, each) => sum + each.tokens, 0)
    expect(tokens).toBe(ids.filter((id) => id === image).length)
    expect(promptTokens?.({ prompt, system: system ?? undefined }, layouts)).toBe(ids.length)
  }
})

test('a smaller bound than the processor has makes an image smaller, and its own lower bound gives way', async () => {
  const { imageOptions, layout } = await openConfig('3B')
  expect(imageOptions).toEqual({ minPixels: 56 * 56, maxPixels: 28 * 28 * 16384 })
  const size = { width: 280, height: 280 }
  expect(layout(size)).toEqual({
    ...{ tokens: 100, patches: 400, area: 280 * 280 },
    fields: { image_grid_thw: [1, 20, 20] },
  })
  expect(layout(size, { maxPixels: 28 * 28 }).tokens).toBe(1)
})

test('without a tokenizer or a template nothing is counted, and a damaged one is an error', async () => {
  const files = { 'config.json': true, 'tokenizer_config.json': true }
  for (const folder of [folderWith({ 'config.json': true }), folderWith(files)])
    expect((await openConfig(folder)).promptTokens).toBeUndefined()
  expect((await openConfig('72B')).promptTokens).toBeUndefined()
  await expect(openConfig(folderWith({ ...files, 'tokenizer.json': '{' }))).rejects.toThrow(
    coded('CHECKPOINT_FILE_DAMAGED'),
  )
})

test('of a name on the hub small files are fetched and no weights, and offline the cache will do', async () => {
  const files = Object.fromEntries(
    ['config.json', 'preprocessor_config.json', 'model.safetensors'].map((name) => [
      name,
      readFileSync(join(tiny, name)),
    ]),
  )
  const hub = await serveHub({ id: 'org/model', commit: 'c'.repeat(40), files })
  const options = isolated({ endpoint: hub.endpoint })
  const fetched = await openConfig('org/model', { hub: options })
  const weights = [...(await openConfig(tiny)).backbone.weights]
  expect([...fetched.backbone.weights]).toEqual(weights)
  expect(hub.requests.filter(({ path }) => path.includes('safetensors'))).toEqual([])
  const refused = () => Promise.reject(new Error('no request may be made'))
  const offline = await openConfig('org/model', { hub: { ...options, offline: true, fetch: refused } })
  expect([...offline.backbone.weights]).toEqual(weights)
})

test('a folder is checked without its weights being read: small files, and the headers', async () => {
  await checkFolder(tiny)
  await expect(checkFolder(folderWith({ 'config.json': true }))).rejects.toThrow(
    coded('CHECKPOINT_FILE_NOT_FOUND'),
  )
  const small = ['preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json', 'chat_template.json']
  const files = Object.fromEntries(['config.json', ...small].map((name) => [name, true]))
  await expect(checkFolder(folderWith(files))).rejects.toThrow(/safetensors/)
})

test('the shape of an adapter is that of its configuration', async () => {
  const fixture = join(import.meta.dirname, 'fixtures/peft-tiny/adapter_config.json')
  // As make_peft.py asked PEFT for it.
  expect(await readAdapterShape(fixture)).toEqual({ rank: 2, alpha: 8, targets: ['v_proj', 'q_proj'] })
  const pattern = folderWith({
    'adapter_config.json': { peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: '.*q_proj' },
  })
  expect((await readAdapterShape(join(pattern, 'adapter_config.json'))).targets).toBeUndefined()
  await expect(readAdapterShape(join(pattern, 'none.json'))).rejects.toThrow(coded('UNREADABLE_FILE'))
})
