/**
 * Weights that stay in half precision, as on a GPU: products in the weight's precision, everything else in float32. Here
 * the CPU takes the place of the GPU, and all programs run, beside those of float32 twins of the same weights.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { weightSource } from '@evolmm/safetensors'
import { loadVlm, type Vlm } from '../src/index'
import { readBackbone } from '../src/backbones/open-backbone'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { writeCheckpoint } from '../src/checkpoint/write-checkpoint'
import { tinyFolder } from './support/safetensors'

const opened = vi.hoisted(() => new Map<string, Set<string>>())
vi.mock('../src/runtime/devices', () => ({
  chooseDevice: ({ dtype = 'float32' }: { dtype?: string }) =>
    Promise.resolve({ device: 'cpu', providers: ['cpu'], dtype }),
}))
vi.mock('../src/runtime/session', async (original) => {
  const real = await original<typeof import('../src/runtime/session')>()
  const { wideProducts } = await import('./support/wide-products')
  return {
    ...real,
    openProgram: (...[graph, options]: Parameters<typeof real.openProgram>) => {
      const matrices = graph.body.initializers.filter(
        ({ shape, name }) => name.includes('proj') && shape?.length === 2,
      )
      for (const { dtype } of matrices)
        opened.set(graph.name, (opened.get(graph.name) ?? new Set()).add(dtype))
      return real.openProgram(wideProducts(graph), options)
    },
  }
})

// One product is good to half a unit in the last place, 2^-12 and 2^-9 of itself: what follows from all of them in the
// tiny model was bounded for float16, and is eight times as much for bfloat16.
const units = { float16: 1, bfloat16: 8 }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evolmm-half-'))
})
afterAll(() => rm(folder, { recursive: true }))

test.each(['float16', 'bfloat16'] as const)(
  'weights in %s: encode, sample, score and gradient are those of their float32 values within that precision',
  async (dtype) => {
    const stored = join(folder, dtype)
    const backbone = await readBackbone(tinyFolder)
    const source = await openCheckpoint(tinyFolder, backbone)
    const weights = [...source.tensors.values()].map(weightSource)
    await writeCheckpoint(stored, { model: backbone, weights, dtype, sourceFolder: tinyFolder })
    const wide = await run(await load(stored, 'float32'))
    opened.clear()
    const half = await run(await load(stored, dtype), wide)
    for (const name of ['encode', 'sample', 'learn']) expect([...(opened.get(name) ?? [])]).toEqual([dtype])

    const unit = units[dtype]
    expect(relative(half.features, wide.features)).toBeLessThan(2e-3 * unit)
    for (const [i, value] of wide.scored.entries())
      expect(Math.abs(half.scored[i] - value)).toBeLessThan(5e-3 * unit)
    expect(relative(half.gradient, wide.gradient)).toBeLessThan(0.02 * unit)
    expect(relative(half.checkpointed ?? new Float32Array(0), half.gradient)).toBeLessThan(2e-3 * unit)
    // The policy that is trained is the one that was sampled.
    for (const [i, value] of half.sampled.entries())
      expect(Math.abs(half.scoredOwn[i] - value)).toBeLessThan(5e-3 * unit)
  },
)

test('weights of another 16-bit type than the device was given are converted once, and norms may stay float32', async () => {
  const stored = join(folder, 'other')
  const backbone = await readBackbone(tinyFolder)
  const source = await openCheckpoint(tinyFolder, backbone)
  const weights = [...source.tensors.values()].map(weightSource)
  await writeCheckpoint(stored, { model: backbone, weights, dtype: 'bfloat16', sourceFolder: tinyFolder })
  const written: string[] = []
  for (let time = 0; time < 2; time++) {
    const vlm = await load(stored, 'float16', (file) => written.push(file))
    opened.clear()
    await vlm.sample({ prompts: [vlm.prompt({ prompt: 'x' })], maxNewTokens: 1 })
    expect([...(opened.get('sample') ?? [])]).toEqual(['float16'])
    await vlm.dispose()
  }
  expect(written).toHaveLength(1)
})

function load(
  from: string,
  dtype: 'float32' | 'float16' | 'bfloat16',
  onWrite?: (file: string) => void,
): Promise<Vlm> {
  const onWiden = ({ file }: { file: string }) => onWrite?.(file)
  return loadVlm(from, { dtype, threads: 1, cacheDir: join(folder, 'cache'), onWiden })
}

/** Tokens of `given` are learned from instead of those that are sampled, and with blocks computed anew too. */
async function run(vlm: Vlm, given?: { ids: Int32Array }) {
  const image = await vlm.encodeImage(join(tinyFolder, 'images/img0.png'))
  const prompt = vlm.prompt({ images: [image], prompt: 'What is the tallest bar?' })
  const adapter = vlm.createAdapter({ rank: 2, alpha: 4 })
  for (const i of adapter.parameters.keys()) adapter.parameters[i] = 0.05 * Math.sin(i * i)
  const [[own]] = await vlm.sample({
    prompts: [prompt],
    adapter,
    maxNewTokens: 8,
    stopTokens: [],
    seeds: [4],
  })
  const score = async (ids: Int32Array) =>
    (await vlm.score({ groups: [{ prompt, completions: [{ ids }] }], adapter, kl: true })).completions[0][0]
      .logProbabilities
  const ids = given?.ids ?? own.ids
  const learning = { groups: [{ prompt, completions: [{ ids }], advantages: [0.3] }], adapter, beta: 0.1 }
  const result = {
    ids,
    features: image.features?.data ?? new Float32Array(0),
    sampled: own.logProbabilities,
    scoredOwn: await score(own.ids),
    scored: await score(ids),
    gradient: (await vlm.gradient(learning)).gradient,
    checkpointed: given && (await vlm.gradient({ ...learning, checkpointed: true })).gradient,
  }
  await vlm.dispose()
  return result
}

function relative(got: Float32Array, want: Float32Array): number {
  expect(got).toHaveLength(want.length)
  const apart = want.map((value, i) => got[i] - value)
  return Math.hypot(...apart) / Math.hypot(...want)
}
