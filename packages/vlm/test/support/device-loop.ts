/**
 * Two iterations in a process of its own: node device-loop.mjs FOLDER DEVICE [DTYPE]. An image is encoded, answers are
 * decoded greedily and drawn, scored, and learned from with a divergence; AdamW steps as a program of the same device,
 * and the second iteration runs with the adapter that moved. Prints what came out as JSON, or the error of a device that
 * cannot.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { adamWProgram } from '@evolmm/onnx'
import { loadVlm, type LoadVlmOptions } from '../../src/index'
import { chooseDevice } from '../../src/runtime/devices'
import { openProgram } from '../../src/runtime/session'

export interface DeviceIteration {
  /** Tokens of each answer. */
  greedy: number[][]
  drawn: number[][]
  /** The log-probability of each token of the drawn answers, by the sampler and by the learning pass. */
  sampled: number[]
  scored: number[]
  divergence: number[]
  gradient: number[]
  /** Each block computed anew. */
  checkpointed: number[]
  /** The parameters after the step. */
  parameters: number[]
}

export interface DeviceLoop {
  features: number[]
  iterations: DeviceIteration[]
  /** The gradient of a prompt that is learned from in chunks. */
  long: { tokens: number; gradient: number[] }
}

const learningRate = 1e-4

type Options = Pick<LoadVlmOptions, 'device' | 'dtype'>

async function run(folder: string, { device, dtype }: Options): Promise<DeviceLoop> {
  const vlm = await loadVlm(folder, { device, dtype, threads: 1 })
  const { providers } = await chooseDevice({ device })
  const image = await vlm.encodeImage(join(folder, 'images/img0.png'))
  const prompt = vlm.prompt({ images: [image], prompt: 'What is the tallest bar?' })
  const adapter = vlm.createAdapter({ rank: 4, alpha: 8, seed: 3 })
  // A fresh adapter has a factor of zeros, and so gradients of zero.
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.05 * Math.sin(i * i)
  const size = adapter.parameters.length
  const adamW = await openProgram(adamWProgram(), { folder: tmpdir(), threads: 1, providers })
  const vector = (data: Float32Array) => ({ dtype: 'float32' as const, dims: [size], data })
  const scalar = (value: number) => ({ dtype: 'float32' as const, dims: [], data: Float32Array.of(value) })
  let moments = [new Float32Array(size), new Float32Array(size)]
  const iterations: DeviceIteration[] = []
  for (let step = 1; step <= 2; step++) {
    const sampling = { prompts: [prompt], adapter, maxNewTokens: 8, stopTokens: [] }
    const [greedy] = await vlm.sample({ ...sampling, temperature: 0 })
    const [completions] = await vlm.sample({ ...sampling, samples: 3, seeds: [[5, step]] })
    const groups = [{ prompt, completions }]
    const { completions: scores } = await vlm.score({ groups, adapter, kl: true })
    const learning = { groups: [{ prompt, completions, advantages: [1, -0.5, 0.25] }], adapter, beta: 0.1 }
    const { gradient } = await vlm.gradient(learning)
    const anew = await vlm.gradient({ ...learning, checkpointed: true })
    const results = await adamW.run({
      parameters: vector(adapter.parameters),
      gradient: vector(gradient),
      first: vector(moments[0]),
      second: vector(moments[1]),
      learning_rate: scalar(learningRate),
      step: scalar(step),
      max_norm: scalar(1),
    })
    adapter.parameters.set(results.new_parameters.data as Float32Array)
    moments = ['new_first', 'new_second'].map((name) => results[name].data as Float32Array<ArrayBuffer>)
    const ofTokens = (pick: (each: (typeof scores)[number][number]) => Float32Array) =>
      scores.flatMap((group) => group.flatMap((each) => [...pick(each)]))
    iterations.push({
      greedy: greedy.map(({ ids }) => [...ids]),
      drawn: completions.map(({ ids }) => [...ids]),
      sampled: completions.flatMap(({ logProbabilities }) => [...logProbabilities]),
      scored: ofTokens(({ logProbabilities }) => logProbabilities),
      divergence: ofTokens(({ kl }) => kl),
      gradient: [...gradient],
      checkpointed: [...anew.gradient],
      parameters: [...adapter.parameters],
    })
  }
  const long = vlm.prompt({ prompt: 'What is the tallest bar? '.repeat(160) })
  const completions = [[300, 301, 302], [310]].map((ids) => ({ ids: Int32Array.from(ids) }))
  const group = { prompt: long, completions, advantages: [1, -0.5] }
  const { gradient } = await vlm.gradient({ groups: [group], adapter, beta: 0.1 })
  await adamW.release()
  await vlm.dispose()
  return {
    features: [...(image.features?.data ?? [])],
    iterations,
    long: { tokens: long.ids.length, gradient: [...gradient] },
  }
}

const [folder, device, dtype] = process.argv.slice(2)
const result = await run(folder, { device, dtype } as Options).catch((error: unknown) => {
  if (error instanceof EvolmmError) return { code: error.code, message: error.message }
  throw error
})
process.stdout.write(JSON.stringify(result))
