/** Peaks were measured by `bench/training-memory.mjs`: the kernel's VmHWM of whole runs, pages of weights counted once. CPU. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { resolve } from '@evolmm/settings'
import { evolmmSettings, type EvolmmGiven } from '@evolmm/trainer'
import { openBackbone, openConfig, type Backbone } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { estimateTraining, type EstimateTrainingOptions } from '../src/estimate-training'
import type { TrainedShape } from '../src/trained'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const readJson = (name: string) => JSON.parse(readFileSync(path(name), 'utf8')) as Record<string, object>
const config = readJson('../../vlm/test/fixtures/qwen2_5_vl-tiny/config.json')
const tiny = openBackbone(config)
const { text } = readJson('../../vlm/bench/bench-small.json')
const bench = openBackbone({
  ...config,
  ...text,
  vocab_size: 8192,
  rope_scaling: { type: 'mrope', mrope_section: [8, 12, 12] },
  tie_word_embeddings: false,
  vision_config: {
    ...config.vision_config,
    ...{ depth: 8, hidden_size: 256, intermediate_size: 512, num_heads: 4 },
    fullatt_block_indexes: [3, 7],
    out_hidden_size: 512,
  },
})

const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
const lora = { adapter: { rank: 16, alpha: 32, targets } }
const all = { full: {} }
const roles = (backbone: Backbone, solver: TrainedShape, proposer: TrainedShape, other = backbone) => ({
  solver: { backbone, trained: solver },
  proposer: { backbone: other, trained: proposer },
})
const settings = (changes: EvolmmGiven) =>
  resolve(evolmmSettings, {
    total_steps: 4,
    proposer_update_freq: 2,
    max_new_tokens_solver: 48,
    max_new_tokens_proposer: 48,
    ...changes,
  })
const given = (
  backbone: Backbone,
  changes: Partial<EstimateTrainingOptions> = {},
): EstimateTrainingOptions => ({
  settings: settings({}),
  device: 'cpu',
  roles: roles(backbone, lora, lora),
  imagePatches: 768,
  images: 4,
  promptTokens: { solver: 385, proposer: 539 },
  ...changes,
})

const images = settings({ batch_size: 3, gradient_checkpointing: true })

test.each([
  ['tiny', given(tiny), 275e6],
  ['bench', given(bench), 779e6],
  ['bench, three images, checkpointed', given(bench, { settings: images }), 1038e6],
  ['bench, all weights', given(bench, { roles: roles(bench, all, all) }), 1983e6],
])('the estimate of a whole run is within 10 percent of its measured peak: %s', (_, options, peak) => {
  const ratio = estimateTraining(options).total.host / peak
  expect(ratio).toBeGreaterThan(0.9)
  expect(ratio).toBeLessThan(1.1)
})

test('moments are two numbers of four bytes for each parameter of a role that learns', () => {
  const { kinds, parameters } = estimateTraining(given(bench))
  expect(kinds.optimizer.host).toBe(8 * parameters)
  const frozen = estimateTraining(given(bench, { settings: settings({ proposer_update_freq: 0 }) }))
  expect(frozen.kinds.optimizer.host).toBe((8 * parameters) / 2)
})

test('a phase has what those before it needed, and kinds and phases have one total', () => {
  for (const device of ['cpu', 'cuda'] as const) {
    const { kinds, phases, total } = estimateTraining(
      given(bench, { device, settings: settings({ dtype: 'float32' }) }),
    )
    for (const place of ['device', 'host'] as const) {
      const peaks = Object.values(phases).map((peak) => peak[place])
      expect(peaks).toEqual(peaks.toSorted((a, b) => a - b))
      expect(peaks.at(-1)).toBeCloseTo(total[place], 0)
      expect(Object.values(kinds).reduce((sum, kind) => sum + kind[place], 0)).toBeCloseTo(total[place], 0)
    }
    expect(total.device > 0).toBe(device === 'cuda')
  }
})

test('two models take more than one with two adapters, and two sets of all weights more than adapters', async () => {
  const { backbone } = await openConfig('3B')
  const total = (...trained: [solver: TrainedShape, proposer: TrainedShape, other?: Backbone]) =>
    estimateTraining(given(backbone, { roles: roles(backbone, ...trained) })).total.host
  const one = total(lora, lora)
  expect(total(lora, lora, { ...backbone })).toBeGreaterThan(1.5 * one)
  expect(total(all, lora)).toBeGreaterThan(one)
  expect(total(all, all)).toBeGreaterThan(total(all, lora))
})
