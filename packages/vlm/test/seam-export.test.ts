/** Models of other families as files: what a fresh session makes of them is what the model itself does. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EncodedImage, Prompt, Vlm } from '@evolmm/vlm'
import { op } from '@evolmm/onnx'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, onTestFinished, test } from 'vitest'
import type { Backbone } from '../src/backbones/backbone'
import type { Feed } from '../src/backbones/feed'
import type { Vision } from '../src/backbones/vision'
import { readBackbone } from '../src/backbones/open-backbone'
import { crossFeeds } from '../src/programs/cross-feeds'
import { packGroups } from '../src/programs/pack-groups'
import { largestDifference } from './support/compare'
import { crossing } from './support/crossing'
import { folder, loadWith, plain, promptOf, towerOf } from './support/seam'

const tiny = await readBackbone(folder)

async function exported(vlm: Vlm): Promise<string> {
  const out = await mkdtemp(join(tmpdir(), 'evolmm-seam-export-'))
  onTestFinished(() => rm(out, { recursive: true }))
  await vlm.exportPrograms(join(out, 'programs'))
  return join(out, 'programs')
}

/** Every input of the program must be among the feeds. */
async function run(path: string, feeds: Record<string, Feed>) {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3, intraOpNumThreads: 1 })
  const tensors = session.inputNames.map((name) => {
    const feed = feeds[name] as Feed | undefined
    if (feed === undefined) throw new Error(`nothing is fed as ${name}`)
    const { dtype, dims, data } = feed
    return [name, new Tensor(dtype, data as Float32Array, dims)] as const
  })
  const results = await session.run(Object.fromEntries(tensors))
  await session.release()
  return (name: string) => results[name].data as Float32Array
}

function featuresOf(images: readonly EncodedImage[]): Feed & { data: Float32Array } {
  const data = Float32Array.from(images.flatMap(({ features }) => Array.from(features?.data ?? [])))
  const width = tiny.sizes.hiddenSize
  return { dtype: 'float32', dims: [data.length / width, width], data }
}

const integers = (...values: number[]): Feed => ({
  dtype: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
})
const number = (value: number): Feed => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) })
const steps = 6

/** What sampling takes, greedily. */
function samplingFeeds(backbone: Backbone, prompt: Prompt, features: Feed): Record<string, Feed> {
  const groups = [{ prompt, completions: [] }]
  const { feeds, ...widths } = packGroups(groups)
  return {
    ...feeds,
    ...crossFeeds(backbone, groups, widths),
    features,
    ...{ temperature: number(0), top_p: number(1), top_k: { ...integers(0), dims: [] } },
    stop_tokens: integers(),
    last_rows: integers(prompt.ids.length - 1),
    starts: integers(prompt.ids.length + prompt.delta),
    owners: integers(0),
    uniforms: { dtype: 'float64', dims: [1, steps], data: new Float64Array(steps) },
  }
}

test('layers that attend to features', async () => {
  const vlm = await loadWith(crossing)
  const backbone = { ...tiny, ...crossing(tiny) }
  const programs = await exported(vlm)
  const prompt = await promptOf(vlm, 'c2')
  const features = featuresOf(prompt.images)
  const [[want]] = await vlm.sample({
    prompts: [prompt],
    maxNewTokens: steps,
    temperature: 0,
    stopTokens: [],
  })
  const sampled = await run(join(programs, 'sample.onnx'), samplingFeeds(backbone, prompt, features))
  const tokens = sampled('tokens') as unknown as BigInt64Array
  expect([...tokens].map(Number)).toEqual([...want.ids])

  const groups = [{ prompt, completions: [{ ids: want.ids }] }]
  const { feeds, ...widths } = packGroups(groups)
  const score = await run(join(programs, 'score.onnx'), {
    ...feeds,
    ...crossFeeds(backbone, groups, widths),
    features,
    weights: { dtype: 'float32', dims: [steps], data: new Float32Array(steps) },
  })
  const own = await vlm.score({ groups })
  const [{ logProbabilities }] = own.completions[0]
  expect(largestDifference(score('log_probabilities'), logProbabilities)).toBeLessThan(1e-5)
  // The features are looked at.
  const other = await plain.score({ groups: [{ ...groups[0], prompt: await promptOf(plain, 'c2') }] })
  expect(largestDifference(other.completions[0][0].logProbabilities, logProbabilities)).toBeGreaterThan(1e-2)
})

test('images that depend on each other', async () => {
  // Features are as large as the number of images of their prompt.
  const joint = (backbone: Backbone): { vision: Vision } => {
    const vision = towerOf(backbone)
    return {
      vision: {
        ...vision,
        joint: true,
        inputs: [...vision.inputs, { name: 'images', dtype: 'float32', shape: ['tokens', 1] }],
        feeds: (prompts) => {
          const data = Float32Array.from(
            prompts.flatMap((images) =>
              images.flatMap(({ tokens }) => Array.from({ length: tokens }, () => images.length)),
            ),
          )
          return { ...vision.feeds(prompts), images: { dtype: 'float32', dims: [data.length, 1], data } }
        },
        features: (layers, inputs) => {
          const images = inputs.get('images')
          if (images === undefined) throw new Error('no images')
          return op.Mul(vision.features(layers, inputs), images)
        },
      },
    }
  }
  const vlm = await loadWith(joint)
  const programs = await exported(vlm)
  const prompt = await promptOf(vlm, 'c2')
  const { vision } = joint(tiny)
  const encoded = await run(join(programs, 'encode.onnx'), vision.feeds([prompt.images]))
  const features = encoded('features')
  const alone = featuresOf((await promptOf(plain, 'c2')).images)
  const doubled = alone.data.map((value) => 2 * value)
  expect(largestDifference(features, doubled)).toBeLessThan(2e-5)
  const [[want]] = await vlm.sample({
    prompts: [prompt],
    maxNewTokens: steps,
    temperature: 0,
    stopTokens: [],
  })
  const given = { ...alone, data: features }
  const sampled = await run(join(programs, 'sample.onnx'), samplingFeeds(tiny, prompt, given))
  const tokens = sampled('tokens') as unknown as BigInt64Array
  expect([...tokens].map(Number)).toEqual([...want.ids])
})
