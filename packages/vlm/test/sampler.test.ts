/** What another engine needs to be asked in the place of our programs. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Learner, Sampler } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { decodeImage } from '../src/image/decode-image'
import { vlm } from './support/loaded'
import { tinyFolder } from './support/safetensors'

const file = join(tinyFolder, 'images', 'img0.png')

test('an encoded image knows its source, whatever that was, without a copy', async () => {
  const bytes = new Uint8Array(await readFile(file))
  for (const source of [file, bytes, await decodeImage(bytes)])
    expect((await vlm.encodeImage(source)).source).toBe(source)
})

test('a prompt knows its conversation, however it was given', async () => {
  const image = await vlm.encodeImage(file)
  const asked = vlm.prompt({ images: [image], prompt: 'How many?', system: 'Be brief.' })
  expect(asked.messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'How many?' }] },
  ])
  const { messages = [] } = asked
  const again = vlm.prompt({ images: [image], messages })
  expect(again.messages).toBe(messages)
  expect(again.ids).toEqual(asked.ids)
  expect(asked.images[0].source).toBe(file)
})

test('a packed group has no conversation of its own', async () => {
  const images = [await vlm.encodeImage(file)]
  const turns = ['How many?', 'Which colour?'].map((prompt) => ({ prompt, completion: 'x' }))
  expect(vlm.group({ images, turns }).prompt.messages).toBeUndefined()
})

test('a model says who it is, and which parameters it is asked with', () => {
  const engine: Sampler & Learner = vlm
  expect(engine.name).toBe('fixtures/qwen2_5_vl-tiny')
  expect(engine.identity?.()).toEqual({ folder: tinyFolder, adapter: null })
  const adapter = vlm.createAdapter({ rank: 2, seed: 1 })
  const digest = () =>
    createHash('sha256').update(Buffer.from(adapter.parameters.buffer)).digest('hex').slice(0, 16)
  expect(engine.identity?.(adapter)).toEqual({ folder: tinyFolder, adapter: digest() })
  adapter.parameters[0] += 1
  expect(engine.identity?.(adapter).adapter).toBe(digest())
})
