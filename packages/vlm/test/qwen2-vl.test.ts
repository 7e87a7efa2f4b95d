/**
 * Qwen2-VL against PyTorch: `fixtures/qwen2_vl-tiny`, random weights in the published layout. Numbers of parameters are
 * those that the published checkpoints' metadata say.
 */
import { loadVlm, openConfig } from '@evolmm/vlm'
import { publishedBackbone } from '../src/backbones/open-backbone'
import { expect, test } from 'vitest'
import { configJson, parseConfig } from '../src/backbones/qwen2_vl/config'
import { publishedConfigs } from '../src/backbones/qwen2_vl/published-configs'
import { coded, readFixture } from './prompt-checkpoint'
import { openFixture } from './support/fixture-model'
import { greedyParity, inputParity, numberParity, packingParity } from './support/parity'
import { readReference } from './support/reference'

type Json = Record<string, unknown>

const reference = await readReference('qwen2_vl-tiny')
const fixture = await openFixture(reference)
const json = readFixture('qwen2_vl-tiny/config.json') as Json & { vision_config: Json }
const changed = (changes: Json, vision: Json = {}): Json => ({
  ...json,
  ...changes,
  vision_config: { ...json.vision_config, ...vision },
})

inputParity(fixture, 'Qwen2-VL-7B')
// Logits are three times as large as in the other fixture; passes in PyTorch differ among themselves by as much.
numberParity(fixture, { logitBound: 4e-5 })
packingParity(fixture)
greedyParity(fixture)

test('the flat layout is read', () => {
  expect(parseConfig(json)).toEqual({
    text: {
      hiddenSize: 64,
      intermediateSize: 112,
      layers: 3,
      heads: 4,
      keyValueHeads: 2,
      headSize: 16,
      vocabularySize: 420,
      ropeTheta: 1e6,
      mropeSection: [4, 2, 2],
      rmsNormEps: 1e-6,
      maxPositions: 32768,
    },
    vision: {
      depth: 3,
      hiddenSize: 48,
      intermediateSize: 96,
      heads: 3,
      channels: 3,
      outHiddenSize: 64,
      patchSize: 7,
      spatialMergeSize: 2,
      temporalPatchSize: 2,
    },
    ...{ imageToken: 410, videoToken: 411, visionStartToken: 407, visionEndToken: 408 },
    tieWordEmbeddings: true,
  })
})

test('the nested layout, as transformers 5 writes it, is the same model, and so is what we write', () => {
  const { vision_config: vision, ...flat } = json
  const { rope_theta: theta, rope_scaling: rope, ...text } = flat
  const nested = {
    ...{ architectures: json.architectures, model_type: 'qwen2_vl', vision_config: vision },
    ...{ image_token_id: 410, video_token_id: 411, tie_word_embeddings: true },
    text_config: { ...text, rope_parameters: { ...(rope as Json), rope_theta: theta } },
  }
  const config = parseConfig(json)
  expect(parseConfig(nested)).toEqual(config)
  const written = configJson(config, { dtype: 'bfloat16', source: nested })
  expect(parseConfig(written)).toEqual(config)
  expect(written).toMatchObject({ model_type: 'qwen2_vl', torch_dtype: 'bfloat16', eos_token_id: 400 })
})

test('fields of the tower that are left out have the defaults of transformers', () => {
  const wide = { hidden_size: 3584, num_attention_heads: 28, num_key_value_heads: 4 }
  const rope = { type: 'mrope', mrope_section: [16, 24, 24] }
  const { vision } = parseConfig({ ...json, ...wide, rope_scaling: rope, vision_config: {} })
  expect(vision).toEqual(publishedConfigs['7B'].vision)
})

test.each<[Json, Json, RegExp]>([
  [{}, { embed_dim: 50 }, /^file: vision_config\.embed_dim: must be a multiple of four times num_heads, 12/],
  [{}, { mlp_ratio: 1.3 }, /^file: vision_config\.mlp_ratio: must make a whole number of embed_dim, 48/],
  [{}, { mlp_ratio: 0 }, /^file: vision_config\.mlp_ratio: .* got 0/],
  [
    {},
    { hidden_size: 32 },
    /^file: vision_config\.hidden_size: must be hidden_size of the language model, 64/,
  ],
  [{}, { hidden_act: 'silu' }, /^file: vision_config\.hidden_act: .* got "silu"/],
  [{ vision_config: undefined }, { depth: 0 }, /^file: vision_config\.depth: .* got 0/],
  [{ use_sliding_window: true }, {}, /^file: use_sliding_window: .*not implemented/],
  [
    { rope_scaling: { type: 'yarn', mrope_section: [4, 2, 2] } },
    {},
    /^file: rope_scaling\.type: .* got yarn/,
  ],
  [{ image_token_id: 420 }, {}, /^file: image_token_id: must be within the vocabulary of 420/],
])('%j with vision %j is refused by name', (changes, vision, message) => {
  expect(() => parseConfig(changed(changes, vision), 'file')).toThrow(coded('INVALID_CONFIG', message))
})

test('another class is another model', () => {
  const architectures = ['Qwen2_5_VLForConditionalGeneration']
  expect(() => parseConfig({ ...json, architectures })).toThrow(coded('UNSUPPORTED_MODEL'))
})

test.each([
  ['2B', 2_208_985_600],
  ['7B', 8_291_375_616],
  ['72B', 73_405_560_320],
] as const)('the published %s model has as many parameters as its checkpoint', async (size, parameters) => {
  const count = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1)
  for (const name of [`Qwen2-VL-${size}`, `Qwen/Qwen2-VL-${size}-Instruct@main`]) {
    const { backbone, imageOptions } = await openConfig(name)
    expect([...backbone.weights.values()].reduce((sum, shape) => sum + count(shape), 0)).toBe(parameters)
    expect(imageOptions).toEqual({ minPixels: 56 * 56, maxPixels: 28 * 28 * 16384 })
  }
  const config = publishedConfigs[size]
  expect(parseConfig(configJson(config, { dtype: 'bfloat16', source: {} }))).toEqual(config)
})

test('a size alone is none of these models', () => {
  expect(publishedBackbone('2B')).toBeUndefined()
})

test('stop tokens are those of the checkpoint, and an adapter is made for the language model', async () => {
  const vlm = await loadVlm(reference.folder, { threads: 1, cacheDir: fixture.model.cacheDir })
  const { matched } = vlm.createAdapter({ rank: 2 })
  expect([...matched].sort()).toEqual(reference.adapted('lora').sort())
  const prompt = vlm.prompt({ prompt: 'x' })
  const [stop] = reference.numbers.stop_ids ?? []
  const [[{ ids, finishReason }]] = await vlm.sample({
    prompts: [prompt],
    maxNewTokens: 1,
    stopTokens: [stop],
  })
  expect([ids.length, finishReason]).toEqual([1, ids[0] === stop ? 'stop' : 'length'])
  await vlm.dispose()
})
