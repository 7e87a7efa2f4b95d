/**
 * What a run of M-STaR takes: answers to some questions at a time, their scores by a reward model that is a further adapter of
 * the same backbone, and gradients of some answers at a time, each with a prompt of its own.
 *
 * Prompts and answers count with their largest length. A device on which some questions at a time are too much is asked fewer
 * by the run itself, which the estimate does not know.
 */
import type { mstarSettings } from '@evolmm/mstar'
import type { ValuesOf } from '@evolmm/settings'
import { heldWeights } from '@evolmm/trainer'
import {
  checkParameters,
  estimateMemory,
  type Backbone,
  type DeviceChoice,
  type MemoryEstimate,
  type MemoryOptions,
  type PlannedAdapter,
} from '@evolmm/vlm'
import {
  addPlaces,
  memoryKinds,
  mstarPhases,
  peaksOf,
  type MemoryKind,
  type MstarPhase,
  type PlacedBytes,
  type TrainingMemory,
} from './memory'
import { encodedBytes, hostBytes, plannedOnce, trainerBytes } from './model-parts'
import type { TrainedShape } from './trained'

export type MstarValues = ValuesOf<typeof mstarSettings>

export interface EstimateMstarOptions {
  settings: MstarValues
  device: DeviceChoice['device']
  backbone: Backbone
  trained: TrainedShape
  /** The adapter of the reward model, without its head; undefined where there is no such model. */
  reward: TrainedShape | undefined
  /** Patches of the largest image. */
  imagePatches: number
  /** The number of images of a question. */
  images: number
  /** The longest prompt, the images' tokens included. */
  promptTokens: number
  /** Answers that a cycle learns at most. @default as many as a step has room for */
  most?: number | undefined
}

/** Throws `INVALID_OPTION`, `NO_MATCH` if no target names a module, or `TOO_MANY_PARAMETERS` for what no vector holds. */
export function estimateMstar(options: EstimateMstarOptions): TrainingMemory<MstarPhase> {
  const { settings, device, backbone, trained, reward } = options
  const policy = plannedOnce(backbone, trained)
  const { parameters } = policy
  checkParameters(
    `model ${settings.model}`,
    parameters,
    trained.full ? 'set use_lora, or take a smaller model' : 'set a smaller lora_r',
  )
  // The head is one row.
  const scorer = reward && plannedOnce(backbone, reward).parameters + backbone.sizes.hiddenSize
  const { all, sample, learn, score } = parts(options, policy, scorer)
  const place = (bytes: number, host = 0): PlacedBytes =>
    device === 'cpu' ? { device: 0, host: bytes + host } : { device: bytes, host }

  const inHost = hostMemory(options, parameters, scorer ?? 0)
  const onDevice: Record<MemoryKind, number> = {
    runtime: all.runtime + score.runtime,
    weights: all.weights + all.packed - unread(policy, device),
    adapters: all.adapter + score.adapter,
    gradient: learn.gradient,
    optimizer: 0,
    images: 0,
    promptCache: sample.cache,
    activations: all.encode + sample.sample + learn.learn + score.learn,
    lossBuffers: learn.loss + score.loss,
  }
  const kinds = Object.fromEntries(
    memoryKinds.map((kind) => [kind, place(onDevice[kind], inHost[kind])]),
  ) as TrainingMemory['kinds']
  const phases = peaksOf(mstarPhases, {
    load: addPlaces(kinds.runtime, kinds.weights, kinds.adapters),
    generate: addPlaces(place(all.encode + sample.sample + sample.cache), kinds.images),
    score: place(score.learn + score.loss),
    learn: addPlaces(place(learn.learn + learn.loss), kinds.gradient),
    update: kinds.optimizer,
  })
  return { kinds, phases, total: addPlaces(...Object.values(kinds)), parameters }
}

/** What is trained as a whole is not read from the file where there is no divergence. The CPU maps the file; no GPU was measured. */
function unread({ trainedWeights }: PlannedAdapter, device: EstimateMstarOptions['device']): number {
  return device === 'cpu' ? 4 * trainedWeights : 0
}

type Parts = MemoryEstimate['parts']

/** What all programs have, and what generating, learning and scoring need besides. */
function parts(
  { settings, device, backbone, imagePatches, images, promptTokens, most }: EstimateMstarOptions,
  { parameters: trainable, trainedWeights, trainVision, trainHead }: PlannedAdapter,
  scorer: number | undefined,
): Record<'all' | 'sample' | 'learn' | 'score', Parts> {
  const { questions_per_run: questions, num_generations: samples, max_new_tokens: longest } = settings
  const isBare = settings.variant === 'sft'
  const watches = settings.validation !== null
  const common: Omit<MemoryOptions, 'groups' | 'samples' | 'programs'> = {
    ...{ backbone, device, ...heldWeights({ ...settings, device }), promptTokens, kl: false },
    completionTokens: longest,
    promptFeatures: (images * imagePatches) / (backbone.vision?.shape.patchesPerToken ?? 1),
    checkpointed: settings.gradient_checkpointing,
  }
  // The base's tower takes one image after the other, a trained one those of all prompts.
  const patches = (groups: number) => ({
    imagePatches: Array<number>(trainVision ? images * groups : images).fill(imagePatches),
  })
  const policy = { ...common, trainable, trainedWeights, trainVision, trainHead }
  const { batch } = answersOfStep(settings, most)
  const open = isBare && !watches ? (['encode', 'learn'] as const) : (['encode', 'sample', 'learn'] as const)
  const many = Math.max(open.length === 2 ? 0 : questions, batch)
  const all = estimateMemory({ ...policy, ...patches(many), programs: open }).parts
  const asked = { ...policy, ...patches(questions), groups: questions, samples }
  const learned = {
    ...{ ...policy, ...patches(batch), groups: batch, samples: 1 },
    completionTokens: isBare ? Math.min(longest, bareTokens) : longest,
  }
  const scored = { ...common, ...patches(1), trainable: scorer ?? 0, groups: questions, samples }
  const none = estimateMemory({ ...common, programs: [] }).parts
  const score = estimateMemory({
    ...scored,
    programs: scorer === undefined || open.length === 2 ? [] : ['score'],
  })
  return {
    all,
    sample: open.length === 2 ? none : estimateMemory({ ...asked, programs: ['sample'] }).parts,
    learn: estimateMemory({ ...learned, programs: ['learn'] }).parts,
    // The process is there once.
    score: { ...score.parts, runtime: score.parts.runtime - none.runtime },
  }
}

/** A line that says an answer and nothing else. */
const bareTokens = 32

/** Answers of a step, and of one of its gradients. */
function answersOfStep(
  { batch_size: step, micro_batch_size: micro }: MstarValues,
  most = Infinity,
): { size: number; batch: number } {
  const size = Math.min(step, most)
  return { size, batch: Math.min(micro ?? step, size) }
}

/** Arrays that nothing holds any more, of which V8 lets so many be before it collects them. */
const garbageBytes = 64e6

/** What a run keeps in the host, whatever the device. */
function hostMemory(
  { settings, device, backbone, images, imagePatches, most }: EstimateMstarOptions,
  parameters: number,
  scorer: number,
): Partial<Record<MemoryKind, number>> {
  const questions = settings.questions_per_run
  const { size, batch } = answersOfStep(settings, most)
  const image = images * encodedBytes(backbone, imagePatches)
  // The first parameters, which a cycle may begin with.
  const first = 4 * parameters
  // The optimizer of a cycle that begins has moments of its own while those of the cycle before are there.
  const goesOn = settings.variant === 'continuous' || settings.variant === 'sft'
  return {
    optimizer: (goesOn ? 2 : 3) * 8 * parameters,
    // Those of a step are encoded before its first gradient; a program is given those of one call once more, and those of the
    // step before may wait for the collector.
    images: Math.max(
      2 * questions * image,
      size * image + Math.max(batch * image, Math.min(size * image, garbageBytes)),
    ),
    // The sum of gradients, where a step has several.
    gradient: batch < size ? 4 * parameters : 0,
    ...(device === 'cpu'
      ? { runtime: trainerBytes, adapters: first }
      : {
          runtime: hostBytes,
          adapters: first + 4 * (parameters + scorer),
          gradient: (batch < size ? 3 : 2) * 4 * parameters,
        }),
  }
}
