/**
 * What a whole run takes, before it is begun: by kind, and by phase of an iteration.
 *
 * The runtime's arenas never shrink, so a phase has what was needed before it as well, and the last one has all of it.
 * On a GPU the host keeps adapters, moments, gradients and encoded images; on the CPU all is one memory, called `host`.
 * Completions count with their largest length.
 */
import { heldWeights, perRole, roles, type EvolmmValues, type Role } from '@evolmm/trainer'
import {
  type Backbone,
  checkParameters,
  estimateMemory,
  type DeviceChoice,
  type MemoryEstimate,
  type MemoryOptions,
  type PlannedAdapter,
} from '@evolmm/vlm'
import {
  addPlaces,
  memoryKinds,
  memoryPhases,
  peaksOf,
  type MemoryKind,
  type MemoryPhase,
  type PlacedBytes,
  type TrainingMemory,
} from './memory'
import { mergeParts, type MergedPart, type Relation } from './merge-parts'
import { encodedBytes, hostBytes, plannedOnce, trainerBytes } from './model-parts'
import type { TrainedShape } from './trained'

export interface EstimateTrainingOptions {
  settings: EvolmmValues
  device: DeviceChoice['device']
  /** The roles share a backbone if theirs is the very same object. */
  roles: Record<Role, { backbone: Backbone; trained: TrainedShape }>
  /** Patches of the largest image. */
  imagePatches: number
  /** The longest prompt of each role, the image's tokens included. */
  promptTokens: Record<Role, number>
  /** Images of the data set: no more are kept encoded. @default as many as the cache has room for */
  images?: number | undefined
}

/** Throws `INVALID_OPTION`, `NO_MATCH` if no target names a module, or `TOO_MANY_PARAMETERS` for what no vector holds. */
export function estimateTraining(options: EstimateTrainingOptions): TrainingMemory {
  const { device } = options
  const work = perRole((role) => roleWork(role, options))
  const relation = relationOf(options)
  const apartLearning = work.solver.inChunks !== work.proposer.inChunks
  const parts = mergeParts(
    perRole((role) => work[role].parts),
    { relation, apartLearning },
  )
  const sizes = perRole((role) => work[role].planned.parameters)
  // Roles learn in turn, so that one program's result is there at a time.
  const twice = relation === 'one' && apartLearning && work.proposer.parts.gradient > 0
  const place = (bytes: number, host = 0): PlacedBytes =>
    device === 'cpu' ? { device: 0, host: bytes + host } : { device: bytes, host }

  const onDevice: Record<MemoryKind, number> = {
    runtime: parts.runtime + parts.graphs + parts.learnGraph,
    weights: parts.weights + parts.packed,
    // The vector of the second role.
    adapters: parts.adapter + (relation === 'one' && device === 'cpu' ? 4 * sizes.proposer : 0),
    gradient: parts.gradient - (twice ? 4 * sizes.proposer : 0),
    optimizer: 0,
    images: 0,
    promptCache: parts.cache,
    activations: parts.encode + parts.sample + parts.learn + parts.score,
    lossBuffers: parts.loss + parts.scoreLoss,
  }
  const inHost = hostMemory(options, sizes)
  const kinds = Object.fromEntries(
    memoryKinds.map((kind) => [kind, place(onDevice[kind], inHost[kind])]),
  ) as TrainingMemory['kinds']

  const sampling = parts.sample + parts.cache
  const proposing = Math.min(work.proposer.parts.sample + work.proposer.parts.cache, sampling)
  const steps: Record<MemoryPhase, PlacedBytes> = {
    load: addPlaces(kinds.runtime, kinds.weights, kinds.adapters),
    encode: addPlaces(place(parts.encode), kinds.images),
    // Its questions are scored by the base model as well.
    propose: place(proposing + parts.score + parts.scoreLoss),
    solve: place(sampling - proposing),
    learn: addPlaces(place(parts.learn + parts.loss), kinds.gradient),
    update: kinds.optimizer,
  }
  const phases = peaksOf(memoryPhases, steps)
  return { kinds, phases, total: addPlaces(...Object.values(kinds)), parameters: sumOf(sizes) }
}

/** What the trainer keeps in the host, whatever the device. */
function hostMemory(
  { settings, device, roles: models, imagePatches, images = Infinity }: EstimateTrainingOptions,
  sizes: Record<Role, number>,
): Partial<Record<MemoryKind, number>> {
  const learners = perRole((role) => (rolePart[role](settings).learns ? sizes[role] : 0))
  const learned = sumOf(learners)
  // Several steps of one iteration are taken on a copy of the policy and its moments.
  const aside =
    settings.update_epochs > 1 ? learned : settings.solver_update === 'sequential' ? sizes.solver : 0
  const image = encodedBytes(models.solver.backbone, imagePatches)
  return {
    optimizer: 8 * learned + 12 * aside,
    // Those of the iteration are held besides, as they were decoded and once more for a program.
    images: Math.min(settings.image_cache, images * image) + settings.batch_size * 2 * image,
    ...(device === 'cpu'
      ? { runtime: trainerBytes }
      : {
          runtime: hostBytes,
          adapters: 4 * sumOf(sizes),
          // As the runtime gives it, until the next one is there.
          gradient: 2 * 4 * Math.max(...Object.values(learners)),
        }),
  }
}

function sumOf(sizes: Record<Role, number>): number {
  return roles.reduce((sum, role) => sum + sizes[role], 0)
}

interface RolePart {
  /** Completions to a prompt. */
  answers: number
  /** `true` where each completion has a gradient and a step of its own. */
  sequential: boolean
  learns: boolean
  /** `true` where completions are scored under the policy that the run began with. */
  scores: boolean
}

/** What a role does in an iteration. */
const rolePart: Readonly<Record<Role, (settings: EvolmmValues) => RolePart>> = {
  solver: ({ num_solver_samples: answers, solver_update: update }) => ({
    answers,
    sequential: update === 'sequential',
    learns: true,
    scores: false,
  }),
  proposer: ({ proposer_update_freq: every, total_steps: total }) => {
    const learns = every > 0 && every <= total
    return { answers: 1, sequential: false, learns, scores: learns }
  },
}

interface RoleWork {
  /** True if prompts are learned from in chunks. */
  inChunks: boolean
  parts: Record<MergedPart, number>
  planned: PlannedAdapter
}

function roleWork(
  role: Role,
  { settings, device, roles: models, imagePatches, promptTokens: prompts }: EstimateTrainingOptions,
): RoleWork {
  const { batch_size: batchSize } = settings
  const { backbone, trained } = models[role]
  const planned = plannedOnce(backbone, trained)
  checkParameters(
    `${role}_model ${settings[`${role}_model`]}`,
    planned.parameters,
    trained.full ? `set use_lora_${role}, or take a smaller model` : 'set a smaller lora_r',
  )
  const { parameters: trainable, trainedWeights, trainVision, trainHead } = planned
  const { answers, sequential, learns: learning, scores } = rolePart[role](settings)
  const common: Omit<MemoryOptions, 'groups' | 'samples' | 'programs'> = {
    backbone,
    device,
    ...heldWeights({ ...settings, device }),
    ...{ trainable, trainedWeights, trainVision, trainHead, promptTokens: prompts[role] },
    completionTokens: settings[`max_new_tokens_${role}`],
    // The base's tower takes one image after the other.
    imagePatches: Array<number>(trainVision ? batchSize : 1).fill(imagePatches),
    kl: settings.kl_coef > 0,
    checkpointed: settings.gradient_checkpointing,
  }
  const estimate = (programs: MemoryOptions['programs'], groups = batchSize, count = answers) =>
    estimateMemory({ ...common, programs, groups, samples: count }).parts
  const all = estimate([
    'encode',
    'sample',
    ...(learning ? (['learn'] as const) : []),
    ...(scores ? (['score'] as const) : []),
  ])
  const runtimeOf = (programs: MemoryOptions['programs']) => estimate(programs).runtime
  const runtime = runtimeOf([])
  const learnGraph = learning ? runtimeOf(['learn']) - runtime : 0
  const sample = estimate(['sample'])
  const none: MemoryEstimate['parts'] = { ...all, learn: 0, loss: 0, gradient: 0 }
  const learn = learning ? estimate(['learn'], ...(sequential ? [1, 1] : [])) : none
  const score = scores
    ? estimateMemory({ ...common, trainable: 0, kl: false, programs: ['score'], groups: batchSize }).parts
    : none
  return {
    planned,
    inChunks: estimateMemory({ ...common, programs: [] }).inChunks,
    parts: {
      ...{
        runtime,
        graphs: all.runtime - runtime - learnGraph,
        learnGraph,
        weights: all.weights,
        packed: all.packed,
        adapter: all.adapter,
      },
      ...{ encode: all.encode, sample: sample.sample, cache: sample.cache },
      ...{ learn: learn.learn, loss: learn.loss, gradient: learn.gradient },
      ...{ score: score.learn, scoreLoss: score.loss },
    },
  }
}

/** Roles that train the same of one backbone have the same programs. */
function relationOf({ roles: { solver, proposer } }: EstimateTrainingOptions): Relation {
  if (solver.backbone !== proposer.backbone) return 'apart'
  return JSON.stringify(solver.trained) === JSON.stringify(proposer.trained) ? 'one' : 'one backbone'
}
