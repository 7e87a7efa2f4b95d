/**
 * Supervised learning on labelled images: how a model gets to where it can improve itself.
 *
 * Each example is an image with any number of questions, packed into one sequence in which every question sees the image
 * and itself. One step is one gradient over a batch of examples and one step of AdamW. What a step sees depends on its
 * number alone, so a loop that goes on from a saved state makes the very same steps.
 */
import { checkNames } from '@evolmm/internal'
import { AdamW, learningRate, type AdamWState } from '@evolmm/rl-core'
import { checkResolved } from '@evolmm/settings'
import type { Adapter, ImageSource, Turn, Vlm } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { SftRecord } from './record'
import { learningSettings, type LearningSettings } from './settings'

export interface SftExample {
  image: ImageSource
  /** Questions with the answers to learn. */
  turns: readonly Turn[]
  /** The message that comes before each question. @default that of the chat template */
  system?: string | undefined
}

export interface SuperviseOptions {
  vlm: Pick<Vlm, 'encodeImage' | 'group' | 'gradient'>
  /** What is trained, in place: LoRA, some weights as a whole, or all of them. */
  adapter: Adapter
  /** The examples of a step, counted from 0; the same for the same step. */
  batchAt: (step: number) => readonly SftExample[] | Promise<readonly SftExample[]>
  /** The settings as `resolve(learningSettings, given)` or `resolve(sftSettings, given)` returns them. */
  settings: LearningSettings
  /** What the loop goes on from; its values are copied. @default the adapter as it is, before the first step */
  state?: SftState | undefined
  /** Ends the loop before the next step is made. */
  signal?: AbortSignal | undefined
}

/** All that later steps depend on, besides the options. */
export interface SftState {
  /** Steps that are done. */
  step: number
  /** The trained values, in the layout of the adapter. */
  parameters: Float32Array
  optimizer: AdamWState
}

/** One record for each step that is left. */
export interface Supervised extends AsyncIterable<SftRecord> {
  /** The state after the latest record. The arrays are the live ones, for saving without a copy; `structuredClone` keeps them. */
  readonly state: SftState
}

export function supervise(options: SuperviseOptions): Supervised {
  checkNames('supervise', options, {
    vlm: true,
    adapter: true,
    batchAt: true,
    settings: true,
    state: true,
    signal: true,
  })
  const { adapter, settings, state, signal } = options
  checkResolved(learningSettings, settings)
  const { total_steps: totalSteps } = settings
  if (state !== undefined) takeOver(adapter, state, totalSteps)
  let step = state?.step ?? 0
  const { rateAt, optimizer } = learning(settings, adapter, state)

  /** `undefined` where a signal came before the gradient. */
  async function next(): Promise<SftRecord | undefined> {
    const start = performance.now()
    const groups = await packed(options, step)
    if (signal?.aborted === true) return undefined
    const { loss, gradient, answers, tokens } = await batchGradient(options, groups, step)
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
      answers,
      tokens,
      seconds: (performance.now() - start) / 1000,
    }
  }

  return {
    get state() {
      return { step, parameters: adapter.parameters, optimizer: optimizer.state }
    },
    async *[Symbol.asyncIterator]() {
      while (step < totalSteps && signal?.aborted !== true) {
        const record = await next()
        if (record === undefined) return
        yield record
      }
    },
  }
}

type AnswerGroups = ReturnType<SuperviseOptions['vlm']['group']>[]

/** The examples of a step, one sequence each. */
async function packed({ vlm, adapter, batchAt }: SuperviseOptions, step: number): Promise<AnswerGroups> {
  const features = !adapter.trainable.vision
  const groups: AnswerGroups = []
  for (const { image, turns, system } of await batchAt(step))
    groups.push(vlm.group({ images: [await vlm.encodeImage(image, { features })], turns, system }))
  return groups
}

/** The gradient over all answers of a step, and how many answers and tokens of theirs there are. */
async function batchGradient(
  { vlm, adapter, settings }: SuperviseOptions,
  groups: AnswerGroups,
  step: number,
) {
  const completions = groups.flatMap((group) => group.completions)
  const answers = completions.length
  const tokens = completions.reduce((sum, { ids, given = 0 }) => sum + ids.length - given, 0)
  const { loss, gradient } = await vlm.gradient({
    groups,
    adapter,
    objective: 'supervised',
    // Answers count by their length, relative to the mean of all.
    normalization: settings.average === 'answer' ? 'token-mean' : { fixedLength: tokens / answers },
    checkpointed: settings.gradient_checkpointing,
    seed: [settings.seed, step],
  })
  return { loss, gradient, answers, tokens }
}

/** The learning rate of each step, and the optimizer where it was. */
function learning(settings: LearningSettings, { parameters }: Adapter, state: SftState | undefined) {
  const { lr, min_lr, total_steps, warmup_steps, lr_scheduler, grad_clip } = settings
  return {
    rateAt: learningRate({
      schedule: lr_scheduler,
      base: lr,
      minimum: min_lr,
      totalSteps: total_steps,
      warmupSteps: warmup_steps,
    }),
    optimizer: new AdamW({
      size: parameters.length,
      lr,
      weightDecay: settings.weight_decay,
      betas: [settings.beta1, settings.beta2],
      clip: grad_clip === 0 ? null : grad_clip,
      ...(state !== undefined && { state: state.optimizer }),
    }),
  }
}

function takeOver({ parameters }: Adapter, state: SftState, totalSteps: number): void {
  if (!Number.isSafeInteger(state.step) || state.step < 0 || state.step > totalSteps)
    throw invalidState('step', `an integer from 0 to ${totalSteps}`, state.step)
  const given: unknown = state.parameters
  const length = given instanceof Float32Array ? given.length : typeof given
  if (length !== parameters.length)
    throw invalidState('parameters', `${parameters.length} numbers for this adapter`, length)
  parameters.set(state.parameters)
}

function invalidState(part: string, rule: string, got: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_OPTION',
    `state.${part}: must be ${rule}, got ${String(got)}; pass the state of a run with the same adapter and settings`,
    { details: { option: 'state' } },
  )
}
