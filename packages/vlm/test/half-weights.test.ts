/**
 * Weights that stay in half precision, as on a GPU: products in the weight's precision, everything else in float32. The
 * CPU has float16 products too, so the programs can be compared here with those of the widened weights.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openBackbone } from '../src/backbones/open-backbone'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { weightSource } from '../src/checkpoint/read-tensor'
import { widenedCheckpoint } from '../src/checkpoint/widened-checkpoint'
import { adaptedModules } from '../src/adapter/create-adapter'
import { learnProgram } from '../src/programs/learn-program'
import { packGroups } from '../src/programs/pack-groups'
import { sampleProgram } from '../src/programs/sample-program'
import { weightFiles } from '../src/programs/weight-files'
import { openProgram } from '../src/runtime/session'
import { tinyFolder } from './support/safetensors'

test('weights in float16 give the log-probabilities and gradients of their float32 values', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-half-'))
  const backbone = await openBackbone(tinyFolder)
  const source = await openCheckpoint(tinyFolder, backbone.weights)
  const half = join(folder, 'half')
  await backbone.writeCheckpoint(half, {
    weights: [...source.tensors.values()].map(weightSource),
    dtype: 'float16',
  })
  const stored = await openCheckpoint(half, backbone.weights)
  const wide = await widenedCheckpoint(stored, { cacheDir: join(folder, 'cache') })
  const { trainable } = adaptedModules(backbone, { rank: 2, alpha: 4 })
  const parameters = Float32Array.from({ length: trainable.layout.size }, (_, i) => 0.05 * Math.sin(i * i))

  const ids = Int32Array.from({ length: 9 }, (_, i) => 30 + 17 * i)
  const prompt = { ids, ...backbone.positions(ids, []), imageSpans: [] }
  const completion = Int32Array.from([44, 300, 21, 603])
  const { feeds } = packGroups([{ prompt, completions: [{ ids: completion }] }])
  const vector = (value: number) => ({
    dtype: 'float32' as const,
    dims: [completion.length],
    data: new Float32Array(completion.length).fill(value),
  })
  const inputs = {
    ...feeds,
    features: { dtype: 'float32' as const, dims: [0, backbone.sizes.hiddenSize], data: new Float32Array(0) },
    weights: vector(0.3),
    kl_weights: vector(0.1),
    parameters: { dtype: 'float32' as const, dims: [parameters.length], data: parameters },
  }
  const learn = async (checkpoint: typeof stored) => {
    const files = weightFiles(checkpoint.tensors.values())
    const graph = learnProgram({ backbone, files, trainable, gradient: true, kl: true })
    const program = await openProgram(graph, { folder: files.folder })
    const results = await program.run(inputs)
    return (name: string) => results[name].data as Float32Array
  }
  const [exact, halved] = [await learn(wide), await learn(stored)]
  // float16 has 11 bits: single products are good to 5e-4.
  for (const [i, value] of exact('log_probabilities').entries())
    expect(Math.abs(halved('log_probabilities')[i] - value)).toBeLessThan(5e-3)
  const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values))
  const difference = exact('gradient').map((value, i) => value - halved('gradient')[i])
  expect(norm(difference)).toBeLessThan(0.02 * norm(exact('gradient')))

  const files = weightFiles(stored.tensors.values())
  const sampler = sampleProgram({ backbone, files, trainable })
  await openProgram(sampler, { folder: files.folder })
})
