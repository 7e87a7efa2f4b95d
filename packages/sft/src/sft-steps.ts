/** Steps of supervised learning, one at a time, for whoever has a loop of their own. */
import { checkList, checkNames } from '@evolmm/internal'
import { AdamW, learningRate, type AdamWState } from '@evolmm/rl-core'
import { checkResolved } from '@evolmm/settings'
import type { Adapter, EncodedImage, Vlm } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { SftExample } from './example'
import type { SftRecord } from './record'
import { learningSettings, type LearningSettings } from './settings'
import { stepTargets, type TokenReader } from './step-targets'

export interface SftStepsOptions {
  vlm: Pick<Vlm, 'encodeImage' | 'group' | 'gradient'> & { tokenizer: TokenReader }
  /** What is trained, in place: LoRA, some weights as a whole, or all of them; with a value head, the values of steps. */
  adapter: Adapter
  /** The settings as `resolve(learningSettings, given)` or `resolve(sftSettings, given)` returns them. */
  settings: LearningSettings
  /** What is gone on from; its values are copied. @default the adapter as it is, before the first step */
  state?: SftState | undefined
  /** Ends a step before its gradient. */
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

export interface SftSteps {
  /** The state after the latest step. The arrays are the live ones, for saving without a copy. */
  readonly state: SftState
  /** One step on a batch; `undefined` where the signal came before its gradient, and nothing was done. */
  next: (batch: readonly SftExample[]) => Promise<SftRecord | undefined>
}

export const stepNames = { vlm: true, adapter: true, settings: true, state: true, signal: true } as const

/** Throws `INVALID_OPTION`. */
export function sftSteps(options: SftStepsOptions): SftSteps {
  checkNames('sftSteps', options, stepNames)
  const { vlm, adapter, settings, state, signal } = options
  checkResolved(learningSettings, settings)
  if (state !== undefined) takeOver(adapter, state, settings.total_steps)
  let step = state?.step ?? 0
  const { rateAt, optimizer } = learning(settings, adapter, state)
  return {
    get state() {
      return { step, parameters: adapter.parameters, optimizer: optimizer.state }
    },
    async next(batch) {
      const start = performance.now()
      const groups: PackedExample[] = []
      for (const example of batch) groups.push(await packed({ vlm, adapter }, example))
      if (signal?.aborted === true) return undefined
      const { loss, gradient, answers, tokens } = await batchGradient(
        { vlm, adapter, settings },
        groups,
        step,
      )
      const rate = rateAt(step)
      const { gradientNorm, skipped } = optimizer.step(adapter.parameters, gradient, { lr: rate })
      step++
      return {
        step,
        loss,
        learningRate: rate,
        gradientNorm,
        skipped: skipped !== null,
        images: batch.reduce((sum, { images }) => sum + images.length, 0),
        answers,
        tokens,
        seconds: (performance.now() - start) / 1000,
      }
    },
  }
}

/** A group of completions, with what a value head is to say of them. */
type PackedExample = ReturnType<Vlm['group']> & { targets?: readonly Float32Array[] }

async function packed(
  { vlm, adapter }: Pick<SftStepsOptions, 'vlm' | 'adapter'>,
  example: SftExample,
): Promise<PackedExample> {
  checkNames('an example', example, { images: true, turns: true, system: true })
  const { images, turns, system } = example
  checkList('images', images)
  checkList('turns', turns)
  const features = !adapter.trainable.vision
  const encoded: EncodedImage[] = []
  for (const image of images) encoded.push(await vlm.encodeImage(image, { features }))
  const group = vlm.group({ images: encoded, turns, system })
  if (turns.every(({ steps }) => steps === undefined)) return group
  const targets = group.completions.map(({ ids, given = 0 }, t) =>
    stepTargets(vlm.tokenizer, ids.subarray(given), turns[t].steps ?? []),
  )
  return { ...group, targets }
}

/** The gradient over all answers of a step, and how many answers and tokens of theirs there are. */
async function batchGradient(
  { vlm, adapter, settings }: Pick<SftStepsOptions, 'vlm' | 'adapter' | 'settings'>,
  groups: readonly PackedExample[],
  step: number,
) {
  const { answers, tokens } = countsOf(groups)
  const parts = inParts(groups, settings.micro_batch_size ?? Math.max(1, groups.length))
  let loss = 0
  let sum: Float32Array | undefined
  for (const [p, part] of parts.entries()) {
    const own = await vlm.gradient({
      groups: part,
      adapter,
      objective: part.some(({ targets }) => targets !== undefined) ? 'squared-error' : 'supervised',
      // Answers count by their length, relative to the mean of all.
      normalization: settings.average === 'answer' ? 'token-mean' : { fixedLength: tokens / answers },
      checkpointed: settings.gradient_checkpointing,
      seed: parts.length === 1 ? [settings.seed, step] : [settings.seed, step, p],
    })
    // Each gradient is a mean over its own answers.
    const share = countsOf(part).answers / answers
    loss += share * own.loss
    sum = addShare(sum, own.gradient, share)
  }
  return { loss, gradient: sum ?? new Float32Array(adapter.parameters.length), answers, tokens }
}

function countsOf(groups: readonly PackedExample[]): { answers: number; tokens: number } {
  const completions = groups.flatMap((group) => group.completions)
  return {
    answers: completions.length,
    tokens: completions.reduce((sum, { ids, given = 0 }) => sum + ids.length - given, 0),
  }
}

/** The list has one part at least, so that an empty batch is refused like any other empty list of groups. */
function inParts<T>(list: readonly T[], size: number): T[][] {
  const count = Math.max(1, Math.ceil(list.length / size))
  return Array.from({ length: count }, (_, p) => list.slice(p * size, (p + 1) * size))
}

/** Writes into `sum`, or into `values` where there is none yet. */
function addShare(sum: Float32Array | undefined, values: Float32Array, share: number): Float32Array {
  if (sum === undefined) {
    if (share !== 1) for (let i = 0; i < values.length; i++) values[i] *= share
    return values
  }
  for (let i = 0; i < sum.length; i++) sum[i] += share * values[i]
  return sum
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
