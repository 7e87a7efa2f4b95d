import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openBackbone, publishedBackbone, readBackbone } from '../src/backbones/open-backbone'
import { configJson, parseConfig, type Qwen25Config } from '../src/backbones/qwen2_5_vl/config'
import { publishedConfigs } from '../src/backbones/qwen2_5_vl/published-configs'
import { makeFolder, tinyFolder } from './support/safetensors'

type Json = Record<string, unknown>

async function readJson(name: string): Promise<Json> {
  return JSON.parse(await readFile(join(tinyFolder, name), 'utf8')) as Json
}

/** `base` with the field at a dotted path replaced, or deleted for `undefined`. */
function change(base: Json, path: string, value: unknown): Json {
  const copy = structuredClone(base)
  const names = path.split('.')
  const last = names.pop() ?? ''
  const target = names.reduce((object, name) => object[name] as Json, copy)
  if (value === undefined) Reflect.deleteProperty(target, last)
  else target[last] = value
  return copy
}

/** A configuration of float32 weights, of no source, unless said otherwise. */
function hubConfig(config: Qwen25Config, options: Partial<Parameters<typeof configJson>[1]> = {}): Json {
  return configJson(config, { dtype: 'float32', source: {}, ...options })
}

function errorOf(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

const tiny = {
  text: {
    hiddenSize: 64,
    intermediateSize: 160,
    layers: 3,
    heads: 4,
    keyValueHeads: 2,
    headSize: 16,
    vocabularySize: 640,
    ropeTheta: 1e6,
    mropeSection: [2, 3, 3],
    rmsNormEps: 1e-6,
    maxPositions: 4096,
  },
  vision: {
    depth: 4,
    hiddenSize: 32,
    intermediateSize: 72,
    heads: 2,
    windowSize: 112,
    fullAttentionBlocks: [1, 3],
    channels: 3,
    outHiddenSize: 64,
    patchSize: 14,
    spatialMergeSize: 2,
    temporalPatchSize: 2,
  },
  imageToken: 613,
  videoToken: 614,
  visionStartToken: 610,
  visionEndToken: 611,
  tieWordEmbeddings: true,
}

test('the flat layout is read', async () => {
  expect(parseConfig(await readJson('config.json'))).toEqual(tiny)
})

test('the nested layout, as transformers 5 writes it, is the same model', async () => {
  expect(parseConfig(await readJson('config.nested.json'))).toEqual(tiny)
})

test('the nested layout with rope_scaling, as transformers 4.5x writes it, is the same model', async () => {
  const nested = await readJson('config.nested.json')
  const rope = { type: 'default', rope_type: 'default', mrope_section: [2, 3, 3] }
  const text = {
    ...(nested.text_config as Json),
    rope_parameters: undefined,
    rope_scaling: rope,
    rope_theta: 1e6,
  }
  expect(parseConfig({ ...nested, text_config: text })).toEqual(tiny)
})

// The text of the published file of the 3B model, as the model's page has it.
test('the published 3B configuration is read', () => {
  const hub = {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    attention_dropout: 0.0,
    bos_token_id: 151643,
    eos_token_id: 151645,
    vision_start_token_id: 151652,
    vision_end_token_id: 151653,
    vision_token_id: 151654,
    image_token_id: 151655,
    video_token_id: 151656,
    hidden_act: 'silu',
    hidden_size: 2048,
    initializer_range: 0.02,
    intermediate_size: 11008,
    max_position_embeddings: 128000,
    max_window_layers: 70,
    model_type: 'qwen2_5_vl',
    num_attention_heads: 16,
    num_hidden_layers: 36,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_theta: 1000000.0,
    sliding_window: 32768,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
    use_cache: true,
    use_sliding_window: false,
    vision_config: {
      depth: 32,
      hidden_act: 'silu',
      hidden_size: 1280,
      intermediate_size: 3420,
      num_heads: 16,
      in_chans: 3,
      out_hidden_size: 2048,
      patch_size: 14,
      spatial_merge_size: 2,
      spatial_patch_size: 14,
      window_size: 112,
      fullatt_block_indexes: [7, 15, 23, 31],
      tokens_per_second: 2,
      temporal_patch_size: 2,
    },
    rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
    vocab_size: 151936,
  }
  expect(parseConfig(hub)).toEqual(publishedConfigs['3B'])
  expect(parseConfig(hubConfig(publishedConfigs['3B'], { source: hub }))).toEqual(publishedConfigs['3B'])
  expect(hubConfig(publishedConfigs['3B'], { source: hub, dtype: 'bfloat16' })).toEqual({
    ...change(hub, 'sliding_window', undefined),
    // No layer slides, so this number says nothing; ours is the number of layers.
    max_window_layers: 36,
    vision_config: { ...hub.vision_config, in_channels: 3 },
  })
})

test.each(['3B', '7B', '32B', '72B'] as const)(
  'the %s configuration survives writing and reading',
  (size) => {
    expect(parseConfig(hubConfig(publishedConfigs[size]))).toEqual(publishedConfigs[size])
  },
)

// transformers leaves out what equals its defaults.
test('fields that are left out have the defaults of transformers', () => {
  const full = hubConfig(publishedConfigs['32B'])
  const absent = [
    'rope_theta',
    'image_token_id',
    'video_token_id',
    'vision_start_token_id',
    'vision_end_token_id',
  ]
  const partial = absent.reduce((json, field) => change(json, field, undefined), full)
  const vision = { hidden_size: 1280, in_chans: 3, intermediate_size: 3456, out_hidden_size: 5120 }
  expect(parseConfig({ ...partial, vision_config: vision })).toEqual(publishedConfigs['32B'])
})

test('text tokens are kept from a source in the nested layout too', async () => {
  const source = await readJson('config.nested.json')
  expect(hubConfig(parseConfig(source), { source })).toMatchObject({ bos_token_id: 601, eos_token_id: 603 })
})

test.each([
  ['hidden_size', 66, 'multiple of num_attention_heads'],
  ['hidden_size', undefined, 'got none'],
  ['hidden_size', '64', 'got "64"'],
  ['num_hidden_layers', 0, 'got 0'],
  ['num_hidden_layers', 1e9, 'got 1000000000'],
  ['text_config', 'x', 'got "x"'],
  ['num_key_value_heads', 3, 'must divide num_attention_heads, 4, got 3'],
  ['head_dim', 32, 'hidden_size / num_attention_heads, 16, got 32'],
  ['rope_scaling', undefined, 'mrope_section'],
  ['rope_scaling.mrope_section', [2, 3, 4], 'half a head, 8, got 9'],
  ['rope_scaling.mrope_section', [4, 4], 'got [4,4]'],
  ['rope_scaling.type', 'yarn', 'got yarn'],
  ['rope_scaling.rope_type', 'dynamic', 'got dynamic'],
  ['use_sliding_window', true, 'sliding windows are not implemented'],
  ['layer_types', ['full_attention', 'sliding_attention', 'full_attention'], 'sliding_attention'],
  ['hidden_act', 'gelu', 'got "gelu"'],
  ['rms_norm_eps', -1, 'got -1'],
  ['quantization_config', { quant_method: 'awq' }, 'quantised weights are not implemented'],
  ['vision_config', undefined, 'got none'],
  ['vision_config.out_hidden_size', 32, 'hidden_size of the language model, 64, got 32'],
  ['vision_config.window_size', 100, 'patch_size * spatial_merge_size, 28, got 100'],
  ['vision_config.hidden_size', 36, 'multiple of four times num_heads, 8, got 36'],
  ['vision_config.fullatt_block_indexes', [1, 4], 'below depth, 4, got 4'],
  ['vision_config.hidden_act', 'quick_gelu', 'got "quick_gelu"'],
  ['image_token_id', 640, 'vocabulary of 640, got 640'],
  ['vision_start_token_id', undefined, 'vocabulary of 640, got 151652'],
  ['vision_config.intermediate_size', undefined, 'got none'],
])('%s = %j is refused by name', async (field, value, text) => {
  const json = change(await readJson('config.json'), field, value)
  const error = errorOf(() => parseConfig(json, 'some/config.json'))
  expect(error).toMatchObject({ code: 'INVALID_CONFIG', details: { file: 'some/config.json' } })
  const { message } = error as Error
  expect(message).toContain(text)
  expect(message).toMatch(new RegExp(`^some/config.json: ${field.split('.').slice(0, 2).join('\\.')}`))
})

test('a field of the nested layout is named with its path', async () => {
  const json = change(await readJson('config.nested.json'), 'text_config.rope_parameters.type', 'linear')
  expect(() => parseConfig(json)).toThrow('text_config.rope_parameters.type: must be mrope or default')
})

test('sizes that only disagree in the number of rotary pairs are refused', async () => {
  const json = change(await readJson('config.json'), 'num_attention_heads', 64)
  expect(() => parseConfig(json)).toThrow('multiple of twice num_attention_heads, 128, got 64')
})

test.each([
  ['model_type', 'llava', /must be one of .*qwen2_5_vl.*, got "llava"/],
  ['model_type', undefined, /must be one of .*qwen2_5_vl.*, got none/],
  ['model_type', 'toString', /must be one of .*qwen2_5_vl/],
  ['architectures', ['LlamaForCausalLM'], /must hold Qwen2_5_VLForConditionalGeneration/],
])('%s = %j is another model; the error names the supported one', async (field, value, message) => {
  const json = change(await readJson('config.json'), field, value)
  expect(errorOf(() => openBackbone(json))).toMatchObject({
    code: 'UNSUPPORTED_MODEL',
    message: expect.stringMatching(message) as string,
    details: { field },
  })
})

test('a published model is known by its size and by its names, and other names are none', () => {
  const weights = (name: string) => publishedBackbone(name)?.weights.size
  const names = ['7B', '7b', 'Qwen2.5-VL-7B', 'Qwen/Qwen2.5-VL-7B-Instruct', 'Qwen2.5-VL-7B-Instruct@main']
  expect(new Set(names.map(weights)).size).toBe(1)
  expect(weights('7B')).toBeGreaterThan(700)
  for (const name of ['8B', 'someone/Qwen2.5-VL-7B-Instruct', '', '__proto__', 'Qwen2.5-VL'])
    expect(publishedBackbone(name)).toBeUndefined()
})

test('a file that is absent or not JSON or no object is refused', async () => {
  const folder = await makeFolder()
  await expect(readBackbone(folder)).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
  await writeFile(join(folder, 'config.json'), '{"hidden')
  await expect(readBackbone(folder)).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  await writeFile(join(folder, 'config.json'), '[]')
  await expect(readBackbone(folder)).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
})
