/**
 * Supervised learning on labelled images: how a model gets to where it can improve itself.
 *
 * Each example is an image with any number of questions, packed into one sequence in which every question sees the image
 * and itself. One step is one gradient over a batch of examples and one step of AdamW. What a step sees depends on its
 * number alone, so a run that goes on from a saved state makes the very same steps.
 */
import { checkInteger, checkOneOf, EvolmmError } from '@evolmm/internal'
import { AdamW, learningRate, type AdamWState } from '@evolmm/rl-core'
import type { Adapter, ImageSource, Turn, Vlm } from '@evolmm/vlm'

export interface WarmupExample {
  image: ImageSource
  /** Questions with the answers to learn. */
  turns: readonly Turn[]
  /** System message. @default that of the chat template */
  system?: string | undefined
}

export interface WarmupOptions {
  vlm: Pick<Vlm, 'encodeImage' | 'group' | 'gradient'>
  /** What is trained, in place: LoRA, some weights as a whole, or all of them. */
  adapter: Adapter
  /** The examples of a step, counted from 0; the same for the same step. */
  batchAt: (step: number) => readonly WarmupExample[] | Promise<readonly WarmupExample[]>
  /** Optimizer steps of the whole run. */
  totalSteps: number
  /** Learning rate after its rise. @default 1e-3 */
  lr?: number | undefined
  /** Way of the learning rate from there. @default 'cosine' */
  schedule?: 'constant' | 'linear' | 'cosine' | undefined
  /** Steps of the rise. @default 0 */
  warmupSteps?: number | undefined
  /** Learning rate at the end. @default 0 */
  minLr?: number | undefined
  /** The betas of AdamW. @default [0.9, 0.999] */
  betas?: readonly [number, number] | undefined
  /** The decay of all that is trained, norms and biases too. @default 0 */
  weightDecay?: number | undefined
  /** Largest norm of the gradient, `null` for any. @default 1 */
  clip?: number | null | undefined
  /** What the loss is the mean of: all answer tokens of a batch, or the mean of each answer. @default 'token' */
  average?: 'token' | 'answer' | undefined
  /** Compute each block anew in the backward pass: less memory, more time. @default false */
  checkpointed?: boolean | undefined
  /** The seed of dropout masks, if the adapter has dropout. @default 0 */
  seed?: number | undefined
  /** The state to go on from; its values are copied. @default the adapter as it is, before the first step */
  state?: WarmupState | undefined
  /** Ends the run with the signal's reason, between two steps. */
  signal?: AbortSignal | undefined
}

/** All that later steps depend on, besides the options. */
export interface WarmupState {
  /** Steps that are done. */
  step: number
  /** The parameters in the layout of the adapter. */
  parameters: Float32Array
  optimizer: AdamWState
}

export interface WarmupRecord {
  /** The number of the step, from 1. */
  step: number
  /** The loss before the update. */
  loss: number
  learningRate: number
  /** The norm of the gradient before clipping. */
  gradientNorm: number
  /** True if the update was left out, since its gradient was not finite. */
  skipped: boolean
  images: number
  answers: number
  /** Answer tokens that were learned from. */
  tokens: number
  /** Wall time. */
  seconds: number
}

/** One record for each step that is left. */
export interface Warmup extends AsyncIterable<WarmupRecord> {
  /**
   * The state after the latest record. The arrays are the live ones, for saving without a copy; `structuredClone`
   * keeps them.
   */
  readonly state: WarmupState
}

export function warmup(options: WarmupOptions): Warmup {
  const { vlm, adapter, batchAt, schedule = 'cosine', seed = 0, checkpointed, signal, state } = options
  const { lr = 1e-3, weightDecay = 0, clip, betas, minLr, warmupSteps } = options
  const totalSteps = checkInteger('totalSteps', options.totalSteps, { min: 1 })
  let step = checkInteger('state.step', state?.step ?? 0, { min: 0, max: totalSteps })
  const average = checkOneOf('average', options.average ?? 'token', ['token', 'answer'])
  const rateAt = learningRate({
    schedule,
    base: lr,
    totalSteps,
    ...(minLr !== undefined && { minimum: minLr }),
    ...(warmupSteps !== undefined && { warmupSteps }),
  })
  const optimizer = new AdamW({
    size: adapter.parameters.length,
    lr,
    weightDecay,
    ...(betas !== undefined && { betas }),
    ...(clip !== undefined && { clip }),
    ...(state !== undefined && { state: state.optimizer }),
  })
  if (state !== undefined) takeOver(adapter, state)
  const features = !adapter.trainable.vision

  async function next(): Promise<WarmupRecord> {
    const start = performance.now()
    const groups = []
    const examples = await batchAt(step)
    for (const { image, turns, system } of examples)
      groups.push(vlm.group({ images: [await vlm.encodeImage(image, { features })], turns, system }))
    const completions = groups.flatMap((group) => group.completions)
    const tokens = completions.reduce((sum, { ids, given = 0 }) => sum + ids.length - given, 0)
    signal?.throwIfAborted()
    const { loss, gradient } = await vlm.gradient({
      groups,
      adapter,
      objective: 'supervised',
      // Answers count by their length, relative to the mean of all.
      normalization: average === 'answer' ? 'token-mean' : { fixedLength: tokens / completions.length },
      checkpointed,
      seed: [seed, step],
    })
    const rate = rateAt(step)
    const { gradientNorm, skipped } = optimizer.step(adapter.parameters, gradient, { lr: rate })
    step++
    return {
      step,
      loss,
      learningRate: rate,
      gradientNorm,
      skipped: skipped !== null,
      images: groups.length,
      answers: completions.length,
      tokens,
      seconds: (performance.now() - start) / 1000,
    }
  }

  return {
    get state() {
      return { step, parameters: adapter.parameters, optimizer: optimizer.state }
    },
    async *[Symbol.asyncIterator]() {
      while (step < totalSteps) {
        signal?.throwIfAborted()
        yield await next()
      }
    },
  }
}

function takeOver({ parameters }: Adapter, state: WarmupState): void {
  const given: unknown = state.parameters
  const length = given instanceof Float32Array ? given.length : typeof given
  if (length !== parameters.length)
    throw new EvolmmError(
      'INVALID_OPTION',
      `state.parameters: must be ${parameters.length} numbers for this adapter, got ${length}; pass the state of a run with the same adapter`,
      { details: { option: 'state' } },
    )
  parameters.set(state.parameters)
}
