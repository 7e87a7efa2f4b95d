/**
 * What a whole run takes, before it is begun: by kind, and by phase of an iteration.
 *
 * The runtime's arenas never shrink, so a phase has what was needed before it as well, and the last one has all of it.
 * On a GPU the host keeps adapters, moments, gradients and encoded images; on the CPU all is one memory, called `host`.
 * Completions count with their largest length.
 */
import type { EvolmmValues, RoleOptions } from '@evolmm/trainer'
import {
  type Backbone,
  estimateMemory,
  plannedAdapter,
  type MemoryEstimate,
  type MemoryOptions,
  type PlannedAdapter,
} from '@evolmm/vlm'
import { mergeParts, type MergedPart } from './merge-parts'

export interface EstimateTrainingOptions {
  solver: RoleShape
  /** The very object of the solver's `backbone` if the roles share a backbone. */
  proposer: RoleShape
  /** @default 'cpu' */
  device?: MemoryOptions['device']
  dtype?: MemoryOptions['dtype']
  quantize?: MemoryOptions['quantize']
  /** The loop's settings. */
  settings: EvolmmValues
  /** Patches of the largest image. */
  imagePatches: number
  /** The longest prompt of each role, the image's tokens included. */
  promptTokens: { solver: number; proposer: number }
  /** Images of the data set: no more are kept encoded. @default as many as the cache has room for */
  images?: number | undefined
}

type RoleShape = Pick<RoleOptions, 'lora' | 'vision'> & { backbone: Backbone }

/** Bytes. */
export interface Place {
  /** Bytes on the GPU; 0 on the CPU. */
  device: number
  host: number
}

export const memoryKinds = [
  'runtime',
  'weights',
  'adapters',
  'gradient',
  'optimizer',
  'images',
  'promptCache',
  'activations',
  'lossBuffers',
] as const
type MemoryKind = (typeof memoryKinds)[number]

export const memoryPhases = ['load', 'encode', 'propose', 'solve', 'learn', 'update'] as const
type MemoryPhase = (typeof memoryPhases)[number]

export interface TrainingMemory {
  kinds: Record<MemoryKind, Place>
  /** The peak in each phase. */
  phases: Record<MemoryPhase, Place>
  /** The sum of the kinds, and the peak of the last phase. */
  total: Place
  /** The parameters of both roles. */
  parameters: number
}

/** Throws `INVALID_OPTION`, or `NO_MATCH` if no target names a module. */
export function estimateTraining(options: EstimateTrainingOptions): TrainingMemory {
  const { device = 'cpu', settings, imagePatches, images = Infinity } = options
  const roles = { solver: roleWork('solver', options), proposer: roleWork('proposer', options) }
  const model = sharedModel(options)
  const relation = !model ? 'apart' : sameTrainable(options) ? 'one' : 'one backbone'
  const parts = mergeParts([roles.solver.parts, roles.proposer.parts], relation, device === 'cpu')
  const propose = roles.proposer.parts.sample + roles.proposer.parts.cache
  const sizes = [roles.solver.planned.parameters, roles.proposer.planned.parameters]
  const parameters = sizes[0] + sizes[1]
  const learners = [sizes[0], learns(options, 'proposer') ? sizes[1] : 0]
  const learned = learners[0] + learners[1]

  const image = encodedBytes(options.solver.backbone, imagePatches)
  // Those of the iteration are held besides, as they were decoded and once more for a program.
  const held = Math.min(settings.image_cache, images * image) + settings.batch_size * 2 * image

  // Several steps of one iteration are taken on a copy of the policy and its moments.
  const aside = settings.update_epochs > 1 ? learned : settings.solver_update === 'sequential' ? sizes[0] : 0
  const onHost: Partial<Record<MemoryKind, number>> = {
    optimizer: 8 * learned + 12 * aside,
    images: held,
    ...(device === 'cpu'
      ? { runtime: trainerBytes }
      : {
          runtime: hostBytes,
          adapters: 4 * parameters,
          // As the runtime gives it, until the next one is there.
          gradient: 2 * 4 * Math.max(...learners),
        }),
  }
  const work: Record<MemoryKind, number> = {
    runtime: parts.runtime,
    weights: parts.weights + parts.packed,
    // The vector of the second role.
    adapters: parts.adapter + (relation === 'one' && device === 'cpu' ? 4 * sizes[1] : 0),
    gradient: parts.gradient,
    optimizer: 0,
    images: 0,
    promptCache: parts.cache,
    activations: parts.encode + parts.sample + parts.learn + parts.score,
    lossBuffers: parts.loss + parts.scoreLoss,
  }
  const place = (bytes: number, host = 0): Place =>
    device === 'cpu' ? { device: 0, host: bytes + host } : { device: bytes, host }
  const kinds = Object.fromEntries(
    memoryKinds.map((kind) => [kind, place(work[kind], onHost[kind])]),
  ) as TrainingMemory['kinds']

  const sampling = parts.sample + parts.cache
  const steps: Record<MemoryPhase, Place> = {
    load: add(kinds.runtime, kinds.weights, kinds.adapters),
    encode: add(place(parts.encode), kinds.images),
    // Its questions are scored by the base model as well.
    propose: place(Math.min(propose, sampling) + parts.score + parts.scoreLoss),
    solve: place(sampling - Math.min(propose, sampling)),
    learn: add(place(parts.learn + parts.loss), kinds.gradient),
    update: kinds.optimizer,
  }
  let peak: Place = { device: 0, host: 0 }
  const phases = Object.fromEntries(
    memoryPhases.map((phase) => [phase, (peak = add(peak, steps[phase]))]),
  ) as TrainingMemory['phases']
  return { kinds, phases, total: add(...Object.values(kinds)), parameters }
}

/** Tokenizer, data set, records and trackers; what garbage the collector leaves for later. */
const trainerBytes = 30e6
/** The same, and a process that has a GPU's libraries loaded. */
const hostBytes = 800e6

interface RoleWork {
  parts: Record<MergedPart, number>
  planned: PlannedAdapter
}

function roleWork(role: 'solver' | 'proposer', options: EstimateTrainingOptions): RoleWork {
  const { device, dtype, quantize, settings, imagePatches } = options
  const { batch_size: batchSize } = settings
  const { backbone, lora, vision = false } = options[role]
  const planned = trainedPart(backbone, lora, vision)
  const { parameters: trainable, trainVision, trainHead } = planned
  const promptTokens = options.promptTokens[role]
  const sequential = role === 'solver' && settings.solver_update === 'sequential'
  const answers = role === 'solver' ? settings.num_solver_samples : 1
  const common: Omit<MemoryOptions, 'groups' | 'samples' | 'programs'> = {
    backbone,
    device,
    dtype,
    quantize,
    ...{ trainable, trainVision, trainHead, promptTokens },
    completionTokens: settings[`max_new_tokens_${role}`],
    // The base's tower takes one image after the other.
    imagePatches: Array<number>(trainVision ? batchSize : 1).fill(imagePatches),
    kl: settings.kl_coef > 0,
    checkpointed: settings.gradient_checkpointing,
  }
  const learning = learns(options, role)
  const scores = role === 'proposer' && learning
  const estimate = (programs: MemoryOptions['programs'], groups = batchSize, count = answers) =>
    estimateMemory({ ...common, programs, groups, samples: count }).parts
  const all = estimate([
    'encode',
    'sample',
    ...(learning ? (['learn'] as const) : []),
    ...(scores ? (['score'] as const) : []),
  ])
  const sample = estimate(['sample'])
  const none: MemoryEstimate['parts'] = { ...all, learn: 0, loss: 0, gradient: 0 }
  const learn = learning ? estimate(['learn'], ...(sequential ? [1, 1] : [])) : none
  const score = scores
    ? estimateMemory({ ...common, trainable: 0, kl: false, programs: ['score'], groups: batchSize }).parts
    : none
  return {
    planned,
    parts: {
      ...{ runtime: all.runtime, weights: all.weights, packed: all.packed, adapter: all.adapter },
      ...{ encode: all.encode, sample: sample.sample, cache: sample.cache },
      ...{ learn: learn.learn, loss: learn.loss, gradient: learn.gradient },
      ...{ score: score.learn, scoreLoss: score.loss },
    },
  }
}

/** An encoded image of so many patches: what the vision tower is given, and its features. */
function encodedBytes({ vision }: Backbone, patches: number): number {
  if (vision === undefined) return 0
  const { patchSize, patchesPerToken } = vision.shape
  return 4 * patches * (patchSize + vision.featureSize / patchesPerToken)
}

/** Tables by model: one of hundreds of modules is made once for many estimates. */
const tables = new WeakMap<Backbone, Map<string, PlannedAdapter>>()

function trainedPart(backbone: Backbone, lora: RoleShape['lora'], vision: boolean): PlannedAdapter {
  const known = tables.get(backbone) ?? new Map<string, PlannedAdapter>()
  tables.set(backbone, known)
  const key = JSON.stringify([lora?.rank, lora?.targets, vision])
  const planned =
    known.get(key) ??
    plannedAdapter({
      backbone,
      ...(lora === undefined
        ? { full: { vision } }
        : { adapter: { rank: lora.rank, alpha: lora.alpha, targets: lora.targets, vision } }),
    })
  known.set(key, planned)
  return planned
}

function learns({ settings }: EstimateTrainingOptions, role: 'solver' | 'proposer'): boolean {
  const { proposer_update_freq: every, total_steps: total } = settings
  return role === 'solver' || (every > 0 && every <= total)
}

function sharedModel({ solver, proposer }: EstimateTrainingOptions): boolean {
  return solver.backbone === proposer.backbone
}

/** Then both roles have the same programs. */
function sameTrainable({ solver, proposer }: EstimateTrainingOptions): boolean {
  const key = ({ lora, vision = false }: RoleShape) =>
    JSON.stringify([vision, lora && [lora.rank, lora.alpha, lora.dropout, lora.targets]])
  return key(solver) === key(proposer)
}

function add(...places: readonly Place[]): Place {
  return {
    device: places.reduce((sum, { device }) => sum + device, 0),
    host: places.reduce((sum, { host }) => sum + host, 0),
  }
}
