/** The models of `fixtures/shapes`: made from formulas, written as checkpoints, opened again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../src/backbones/qwen2_5_vl/read-config'
import { expectedWeights } from '../../src/backbones/qwen2_5_vl/weights'
import { writeSafetensors, type FloatType } from '@evolmm/safetensors'
import type { Grid } from '../../src/backbones/parts/image-token-count'
import { trainable, type Trainable } from '../../src/programs/trainable'
import { readFixture } from '../prompt-checkpoint'
import { parkMiller, picture, uniform, weight } from './formulas'
import { openModel, tensorsOf, type Group, type TestModel } from './model'

export interface ShapeCase {
  name: string
  /** A number of text tokens or the [width, height] of an image. */
  prompt: readonly (number | readonly [number, number])[]
  /** Number of tokens. */
  completion: number
  advantage: number
  beta: number
  feature_stride: number
  logit_stride: number
}

export interface ShapeModel {
  name: string
  dtype: FloatType
  /** LoRA on modules with these endings, or every weight as a whole. */
  train: { lora: readonly string[]; rank: number; alpha: number } | { full: true }
  config: object
  vision_config: object
  cases: readonly ShapeCase[]
}

/** What PyTorch computed for a case. */
export interface ShapeNumbers {
  model: string
  case: string
  grids: readonly Grid[]
  positions: readonly (readonly number[])[]
  loss: number
  features: readonly number[]
  logits: readonly number[]
  base_log_probabilities: readonly number[]
  log_probabilities: readonly number[]
  kl: readonly number[]
  /** Name, norm, then sums with random signs. */
  gradients: readonly (readonly [string, number, ...number[]])[]
}

const shapes = readFixture('shapes/shapes.json') as {
  text_tokens: number
  config: object
  vision_config: object
  models: readonly ShapeModel[]
}

export const { models } = shapes
export const { cases: numbers } = readFixture('shapes/reference.json') as { cases: readonly ShapeNumbers[] }

/** Writes the checkpoint to a folder, which `close` deletes, and opens it. */
export async function openShape({
  dtype,
  config,
  vision_config,
}: ShapeModel): Promise<TestModel & { close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-shapes-'))
  const json = { ...shapes.config, ...config, vision_config: { ...shapes.vision_config, ...vision_config } }
  await writeFile(join(folder, 'config.json'), JSON.stringify(json))
  await writeFile(
    join(folder, 'preprocessor_config.json'),
    JSON.stringify({ min_pixels: 784, max_pixels: 12845056 }),
  )
  const weights = [...expectedWeights(parseConfig(json))]
  await writeSafetensors(
    join(folder, 'model.safetensors'),
    weights.map(([name, shape]) => ({ name, shape, values: weight(name, shape) })),
    { dtype },
  )
  return { ...(await openModel(folder)), close: () => rm(folder, { recursive: true }) }
}

/** What a model trains, with its parameters. */
export function trainedPart(
  { train }: ShapeModel,
  { backbone }: TestModel,
): { trained: Trainable; parameters: Float32Array } {
  const trained =
    'full' in train
      ? trainable(backbone, new Map(), new Set(backbone.weights.keys()))
      : trainable(
          backbone,
          new Map(
            [...backbone.modules.keys()]
              .filter((name) => train.lora.some((ending) => name.endsWith(ending)))
              .map((name) => [name, train]),
          ),
        )
  const parameters = new Float32Array(trained.layout.size)
  for (const [name, values] of tensorsOf(trained, parameters)) {
    if (name.includes('.lora_'))
      values.set(uniform(name, values.length, name.includes('.lora_A') ? 0.2 : 0.1))
    else {
      const moved = uniform(`${name} moved`, values.length, 0.05)
      values.set(weight(name, backbone.weights.get(name) ?? []).map((value, i) => value + moved[i]))
    }
  }
  return { trained, parameters }
}

export function shapeGroup(
  { name, prompt, completion, advantage, beta }: ShapeCase,
  { backbone, patches }: TestModel,
): Group {
  const { imageToken, visionStartToken, visionEndToken } = backbone.tokens
  const draws = parkMiller(name)
  const text = (count: number) => Array.from({ length: count }, () => draws.next().value % shapes.text_tokens)
  const images: Group['images'][number][] = []
  const ids = prompt.flatMap((part) => {
    if (typeof part === 'number') return text(part)
    const image = patches(picture(part[0], part[1], images.length + 1))
    images.push(image)
    const [, height, width] = image.grid
    const tokens = Array<number>((height * width) / 4).fill(imageToken)
    return [visionStartToken, ...tokens, visionEndToken]
  })
  return { ids, images, completions: [text(completion)], advantages: [advantage], beta }
}
