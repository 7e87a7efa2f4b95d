/** A checkpoint opened as the package opens it, with its programs, for comparing numbers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { externalData, Graph, op } from '@evolmm/onnx'
import { afterAll } from 'vitest'
import type { Backbone } from '../../src/backbones/backbone'
import type { Feed } from '../../src/backbones/feed'
import { readBackbone } from '../../src/backbones/open-backbone'
import type { Span } from '../../src/backbones/prompt-rules'
import type { PreparedImage, Vision } from '../../src/backbones/vision'
import { widenedCheckpoint } from '../../src/checkpoint/widened-checkpoint'
import { openCheckpoint } from '../../src/checkpoint/open-checkpoint'
import { rgbImage, type Pixels } from '../../src/image/rgb-image'
import { encodeProgram } from '../../src/programs/encode-program'
import { featureRows, featuresInput, imageRows } from '../../src/programs/image-inputs'
import { learnProgram } from '../../src/programs/learn-program'
import { maskInputs } from '../../src/programs/mask-kinds'
import { packGroups, type PackedPrompt } from '../../src/programs/pack-groups'
import { packedAttention } from '../../src/programs/packed-attention'
import { programLayers } from '../../src/programs/program-layers'
import type { Trainable } from '../../src/programs/trainable'
import { frozenWeights, type WeightFiles } from '../../src/programs/weight-files'
import { openProgram } from '../../src/runtime/session'

export interface TestModel {
  backbone: Backbone
  vision: Vision
  files: WeightFiles
  /** The folder of its weights, if they had to be widened; gone after the tests. */
  cacheDir: string
  prepare: (image: Pixels) => PreparedImage
  /** Image tokens of the base model. */
  encode: (images: readonly PreparedImage[]) => Promise<Feed>
}

export interface ReferencePrompt {
  ids: readonly number[]
  images: readonly PreparedImage[]
  /** The places of image tokens. */
  imageSpans: readonly Span[]
}

export interface Group extends ReferencePrompt {
  completions: readonly (readonly number[])[]
  /** One for each completion. */
  advantages: readonly number[]
  /** What the divergence from the base counts. */
  beta: number
}

export interface Learned {
  loss: number
  /** [S] each; no divergence if it was not asked for. */
  logProbabilities: Float32Array
  kl: Float32Array
  /** [P] */
  gradient: Float32Array
}

export async function openModel(folder: string): Promise<TestModel> {
  const backbone = await readBackbone(folder)
  const { vision } = backbone
  if (vision === undefined) throw new Error(`${folder} is a model of text alone`)
  const stored = await openCheckpoint(folder, backbone)
  const cacheDir = await mkdtemp(join(tmpdir(), 'evolmm-widened-'))
  afterAll(() => rm(cacheDir, { recursive: true, force: true }))
  const { tensors } = await widenedCheckpoint(stored, { cacheDir })
  const files = { ...(await externalData([...tensors.values()])), threads: 1 }
  const processor = await vision.processor(folder, {})
  const encoder = await openProgram(encodeProgram({ vision, files }), files)
  return {
    backbone,
    vision,
    files,
    cacheDir,
    prepare: (image) => processor.prepare(rgbImage(image)),
    encode: async (images) => {
      if (images.length === 0) return float([0, vision.featureSize], [])
      const { features } = await encoder.run(vision.feeds([images]))
      return float(features.dims, features.data as Float32Array)
    },
  }
}

interface LearnerOptions {
  checkpointed?: boolean
  /** The longest prompt that is read, in tokens. @default a short one */
  promptTokens?: number
}

/** A function that makes a learning pass: each completion's loss is the mean over its tokens, and losses are summed. */
export function openLearner(
  model: TestModel,
  trainable?: Trainable,
  { checkpointed = false, promptTokens }: LearnerOptions = {},
): (groups: readonly Group[], parameters: Float32Array) => Promise<Learned> {
  const { backbone, vision, files, encode } = model
  const trains = trainable !== undefined
  const open = once((pixels: boolean) =>
    openProgram(
      learnProgram({
        ...{ backbone, files, trainable, pixels, checkpointed, promptTokens },
        gradient: trains,
        kl: trains,
      }),
      files,
    ),
  )
  return async (groups, parameters) => {
    const images = groups.flatMap((group) => group.images)
    const { feeds } = packGroups(
      groups.map((group) => ({
        prompt: packedPrompt(model, group),
        completions: group.completions.map((ids) => ({ ids: Int32Array.from(ids) })),
      })),
    )
    const perToken = (value: (group: Group, completion: number) => number) => {
      const values = groups.flatMap((group) =>
        group.completions.flatMap(({ length }, c) => Array<number>(length).fill(value(group, c) / length)),
      )
      return float([values.length], values)
    }
    const pixels = trains && trainable.vision && images.length > 0
    const program = await open(pixels)
    const outputs = await program.run({
      ...feeds,
      ...(pixels && vision.feeds(groups.map((group) => group.images))),
      features: await encode(images),
      parameters: float([parameters.length], parameters),
      weights: perToken(({ advantages }, c) => advantages[c]),
      kl_weights: perToken(({ beta }) => beta),
    })
    const values = (name: string) =>
      name in outputs ? (outputs[name].data as Float32Array) : new Float32Array(0)
    return {
      loss: values('loss')[0],
      logProbabilities: values('log_probabilities'),
      kl: values('kl'),
      gradient: values('gradient'),
    }
  }
}

/** A function that gives the base model's logits at every position, [T, V] flattened. */
export async function openLogits(
  model: TestModel,
): Promise<(prompt: ReferencePrompt) => Promise<Float32Array>> {
  const { backbone, files, encode } = model
  const graph = new Graph('logits')
  const layers = programLayers({ graph, frozen: frozenWeights(graph, files) })
  const ids = op.Reshape(graph.input('ids', 'int64', [1, 'T']), [-1])
  const images = imageRows(featureRows(graph, backbone), featuresInput(graph, backbone))
  const segments = graph.input('segments', 'int64', [1, 'T'])
  const hidden = backbone.decoder(layers, {
    embedded: backbone.embed(layers, ids, images),
    positions: graph.input('positions', 'int64', [backbone.axes, 'T']),
    attend: packedAttention({ segments, ...maskInputs(graph, backbone, [1, 'T']) }),
    images,
  })
  const states = backbone.finalNorm(layers, hidden)
  graph.output('logits', layers.linear(states, backbone.head.module, backbone.head.weight))
  const program = await openProgram(graph, files)
  return async (prompt) => {
    const { feeds } = packGroups([{ prompt: packedPrompt(model, prompt), completions: [] }])
    const { logits } = await program.run({ ...feeds, features: await encode(prompt.images) })
    return logits.data as Float32Array
  }
}

export function packedPrompt(
  { backbone }: TestModel,
  { ids, images, imageSpans }: ReferencePrompt,
): PackedPrompt {
  return { ids: Int32Array.from(ids), ...backbone.positions(ids, images), imageSpans }
}

/** The part of a flat vector that belongs to each tensor. */
export function tensorsOf({ layout }: Trainable, flat: Float32Array): Map<string, Float32Array> {
  return new Map(
    layout.entries.map(({ name, offset, shape }) => {
      const count = shape.reduce((product, size) => product * size, 1)
      return [name, flat.subarray(offset, offset + count)]
    }),
  )
}

/** Remembers what was made for each argument. */
function once<A, R>(make: (argument: A) => R): (argument: A) => R {
  const made = new Map<A, R>()
  return (argument) => {
    const result = made.get(argument) ?? make(argument)
    made.set(argument, result)
    return result
  }
}

function float(dims: readonly number[], data: Float32Array | readonly number[]): Feed {
  return { dtype: 'float32', dims, data: Float32Array.from(data) }
}
