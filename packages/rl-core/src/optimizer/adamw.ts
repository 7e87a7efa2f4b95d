/**
 * AdamW over one flat float32 vector: decoupled weight decay, bias correction, clipping by the global norm.
 *
 * The rule is that of torch.optim.AdamW after torch.nn.utils.clip_grad_norm_. Parameters and moments are stored in
 * float32; the arithmetic in between is float64. A step reads the gradient once for its norm and then makes one pass
 * over everything, in place, without temporary arrays. A step that cannot be made is skipped as a whole and says so.
 */
import { checkInteger, checkNames, checkNumber, findNotFinite } from '@evolmm/internal'
import { EvolmmError } from '../errors'

/** What is not said otherwise; settings of methods have their defaults from here. */
export const adamWDefaults = { lr: 1e-6, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01, clip: 1 } as const

export interface AdamWOptions {
  /** The number of parameters, and so the length of each vector. */
  size: number
  /** Learning rate of steps that name none. @default that of {@link adamWDefaults} */
  lr?: number
  /** Decay of the first and of the second moment, each from 0 up to but not including 1. @default that of {@link adamWDefaults} */
  betas?: readonly [number, number]
  /** Added to the root of the second moment. @default that of {@link adamWDefaults} */
  eps?: number
  /** Decoupled weight decay: each step multiplies the parameters by 1 - lr x weightDecay. @default that of {@link adamWDefaults} */
  weightDecay?: number
  /** Largest norm of the gradient; longer ones are scaled down to it. `null` for no clipping. @default that of {@link adamWDefaults} */
  clip?: number | null
  /** A saved state to continue from, bit for bit; its arrays are copied. @default no step made */
  state?: AdamWState
}

/** Everything that a later step depends on besides options and parameters. */
export interface AdamWState {
  /** Steps made; skipped ones do not count. */
  readonly step: number
  /** Running mean of the gradient, `[size]`. */
  readonly first: Float32Array
  /** Running mean of the squared gradient, `[size]`. */
  readonly second: Float32Array
}

export interface AdamWReport {
  /** Norm of the whole gradient before clipping; not finite when the gradient is not. */
  gradientNorm: number
  /** What the gradient was multiplied by: clip / (norm + 1e-6), at most 1; 0 for a skipped step. */
  clipCoefficient: number
  /**
   * Why the step was left out, if it was. `gradient-overflow`: finite, but squares may exceed float32 and would stay
   * infinite in the second moment; only possible without clipping.
   */
  skipped: null | 'non-finite-gradient' | 'gradient-overflow'
}

/** A longer gradient may hold an element whose square is above the float32 maximum. */
const largestSquarable = Math.sqrt(3.4028234663852886e38)

export class AdamW {
  readonly size: number
  readonly #lr: number
  readonly #betas: readonly [number, number]
  readonly #eps: number
  readonly #weightDecay: number
  readonly #clip: number | null
  readonly #first: Float32Array
  readonly #second: Float32Array
  #step: number

  constructor(options: AdamWOptions) {
    checkNames('AdamW', options, {
      size: true,
      lr: true,
      betas: true,
      eps: true,
      weightDecay: true,
      clip: true,
      state: true,
    })
    const { state, clip = adamWDefaults.clip, betas = adamWDefaults.betas } = options
    this.size = checkInteger('size', options.size, { min: 0 })
    this.#lr = checkNumber('lr', options.lr ?? adamWDefaults.lr, { min: 0 })
    this.#betas = [
      checkNumber('betas[0]', betas[0], { min: 0, below: 1 }),
      checkNumber('betas[1]', betas[1], { min: 0, below: 1 }),
    ]
    this.#eps = checkNumber('eps', options.eps ?? adamWDefaults.eps, { above: 0 })
    this.#weightDecay = checkNumber('weightDecay', options.weightDecay ?? adamWDefaults.weightDecay, {
      min: 0,
    })
    this.#clip = clip === null ? null : checkNumber('clip', clip, { above: 0 })
    if (state) {
      this.#checkLength('state.first', state.first)
      this.#checkLength('state.second', state.second)
      checkMoments('state.first', state.first)
      checkMoments('state.second', state.second, 0)
    }
    this.#step = checkInteger('state.step', state?.step ?? 0, { min: 0 })
    this.#first = state ? state.first.slice() : new Float32Array(this.size)
    this.#second = state ? state.second.slice() : new Float32Array(this.size)
  }

  /** The state as it is now. The arrays are the live ones, for saving without a copy; `structuredClone` keeps them. */
  get state(): AdamWState {
    return { step: this.#step, first: this.#first, second: this.#second }
  }

  /**
   * One step, in place: `parameters` and the moments change, `gradient` does not. Both are `[size]`, or it is
   * `LENGTH_MISMATCH` before anything is written. `lr` overrides the learning rate for this step.
   */
  step(parameters: Float32Array, gradient: Float32Array, options: { lr?: number } = {}): AdamWReport {
    const lr = checkNumber('lr', options.lr ?? this.#lr, { min: 0 })
    this.#checkLength('parameters', parameters)
    this.#checkLength('gradient', gradient)

    const gradientNorm = norm(gradient)
    const clipCoefficient = this.#clip === null ? 1 : Math.min(1, this.#clip / (gradientNorm + 1e-6))
    if (!Number.isFinite(gradientNorm))
      return { gradientNorm, clipCoefficient: 0, skipped: 'non-finite-gradient' }
    if (gradientNorm * clipCoefficient > largestSquarable)
      return { gradientNorm, clipCoefficient: 0, skipped: 'gradient-overflow' }

    this.#step++
    const [beta1, beta2] = this.#betas
    update(parameters, gradient, this.#first, this.#second, {
      scale: clipCoefficient,
      beta1,
      beta2,
      keep: 1 - lr * this.#weightDecay,
      stepSize: lr / (1 - beta1 ** this.#step),
      rootScale: 1 / Math.sqrt(1 - beta2 ** this.#step),
      eps: this.#eps,
    })
    return { gradientNorm, clipCoefficient, skipped: null }
  }

  #checkLength(name: string, array: Float32Array): void {
    if (!(array instanceof Float32Array))
      throw new EvolmmError(
        'INVALID_OPTION',
        `${name}: must be a Float32Array, got another kind of value; convert it`,
        {
          details: { name },
        },
      )
    if (array.length !== this.size)
      throw new EvolmmError(
        'LENGTH_MISMATCH',
        `${name}: must have the optimizer's size ${this.size}, got length ${array.length}; pass the vector that the optimizer was made for`,
        { details: { name, expected: this.size, length: array.length } },
      )
  }
}

/** Damaged moments would spoil every parameter with the next step. */
function checkMoments(name: string, values: Float32Array, min = -Infinity): void {
  const place = findNotFinite(values)
  const at = place === -1 ? values.findIndex((value) => value < min) : place
  if (at === -1) return
  throw new EvolmmError(
    'INVALID_OPTION',
    `${name}: must hold finite numbers${min === 0 ? ' of 0 or more' : ''}, got ${values[at]} at place ${at}; pass the state of an earlier step`,
    { details: { name, place: at } },
  )
}

/** Euclidean norm, summed in float64: squares of float32 numbers cannot overflow there. */
function norm(gradient: Float32Array): number {
  let sum = 0
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i]
    sum += g * g
  }
  return Math.sqrt(sum)
}

interface UpdateRule {
  /** The factor that clips the gradient. */
  scale: number
  beta1: number
  beta2: number
  /** 1 - lr x weight decay. */
  keep: number
  /** lr / bias correction of the first moment. */
  stepSize: number
  /** 1 / root of the bias correction of the second moment. */
  rootScale: number
  eps: number
}

function update(
  p: Float32Array,
  gradient: Float32Array,
  m: Float32Array,
  v: Float32Array,
  rule: UpdateRule,
): void {
  const { scale, beta1, beta2, keep, stepSize, rootScale, eps } = rule
  const new1 = 1 - beta1
  const new2 = 1 - beta2
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i] * scale
    const first = beta1 * m[i] + new1 * g
    const second = beta2 * v[i] + new2 * g * g
    m[i] = first
    v[i] = second
    p[i] = p[i] * keep - (stepSize * first) / (Math.sqrt(second) * rootScale + eps)
  }
}
