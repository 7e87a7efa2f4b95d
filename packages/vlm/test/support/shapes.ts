/** The models of `fixtures/shapes`: made from formulas, written as checkpoints, opened again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBackbone } from '../../src/backbones/open-backbone'
import type { Grid } from '../../src/backbones/parts/patch-grid'
import { writeSafetensors, type FloatType } from '@evolmm/safetensors'
import { trainable, type Trainable } from '../../src/programs/trainable'
import { readFixture } from '../prompt-checkpoint'
import { parkMiller, picture, uniform, weight } from './formulas'
import { openModel, tensorsOf, type Group, type TestModel } from './model'

export interface ShapeCase {
  name: string
  /** A number of text tokens or the [width, height] of an image. */
  prompt: readonly (number | readonly [number, number])[]
  /** The number of its tokens. */
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
  const weights = [...openBackbone(json).weights]
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
  { backbone, prepare }: TestModel,
): Group {
  const idOf = (token: string) => backbone.prompt.tokens.get(token) ?? -1
  const draws = parkMiller(name)
  const text = (count: number) => Array.from({ length: count }, () => draws.next().value % shapes.text_tokens)
  const images: Group['images'][number][] = []
  const imageSpans: Group['imageSpans'][number][] = []
  const ids: number[] = []
  for (const part of prompt) {
    if (typeof part === 'number') {
      ids.push(...text(part))
      continue
    }
    const image = prepare(picture(part[0], part[1], images.length + 1))
    images.push(image)
    imageSpans.push({ start: ids.length + 1, length: image.tokens })
    const tokens = Array<number>(image.tokens).fill(idOf('<|image_pad|>'))
    ids.push(idOf('<|vision_start|>'), ...tokens, idOf('<|vision_end|>'))
  }
  return { ids, images, imageSpans, completions: [text(completion)], advantages: [advantage], beta }
}
