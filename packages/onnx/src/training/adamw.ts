/**
 * AdamW with gradient clipping as a program over flat float32 vectors, exactly as PyTorch computes it: decoupled weight
 * decay, bias corrections, clipping by `min(1, max_norm / (norm + 1e-6))`. If the gradient's norm is not finite, nothing
 * changes and `skipped` is true.
 *
 * Thirteen element-wise nodes are needed. Over whole vectors each would stream through memory; so, where the length is
 * known, they run on pieces that stay in the cache. A host can do the same with `norm: 'given'`: compute the norm of
 * the whole gradient first (`globalNorm`), then run this program on one slice of the vectors after the other. With
 * slices of the vectors as preallocated outputs, that updates in place: no node reads an input after the output that
 * replaces it is written.
 */
import { checkInteger, checkNames, checkNumber } from '@evolmm/internal'
import { Graph, type Tensor } from '../graph/graph'
import { If, Scan } from '../ops/control-flow'
import { Add, Cast, Div, Identity, IsInf, IsNaN, Min, Mul, Or, Pow, Sqrt, Sub } from '../ops/elementwise'
import { Reshape } from '../ops/shaping'
import { divisorBetween } from './divisor'
import { globalNorm } from './global-norm'

export interface AdamWOptions {
  /** Length of the vectors. @default any: pieces are then up to the host */
  size?: number
  /** @default [0.9, 0.999] */
  betas?: readonly [number, number]
  /** @default 1e-8 */
  epsilon?: number
  /** @default 0.01 */
  weightDecay?: number
  /** `computed`: the program computes the gradient's norm; `given`: it takes the input `norm`. @default 'computed' */
  norm?: 'computed' | 'given'
}

/**
 * Inputs: `parameters`, `gradient`, `first`, `second` (the moments), all float32 [size]; float32 scalars
 * `learning_rate`, `step` (1 for the first) and `max_norm` (Infinity for no clipping); with `norm: 'given'` also `norm`.
 * Outputs: `new_parameters`, `new_first`, `new_second`, `gradient_norm` (before clipping) and `skipped` (bool).
 */
export function adamWProgram(options: AdamWOptions = {}): Graph {
  checkNames('adamWProgram', options, {
    size: true,
    betas: true,
    epsilon: true,
    weightDecay: true,
    norm: true,
  })
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 } = options
  for (const beta of betas) checkNumber('adamWProgram.betas', beta, { min: 0, below: 1 })
  checkNumber('adamWProgram.epsilon', epsilon, { min: 0 })
  checkNumber('adamWProgram.weightDecay', weightDecay, { min: 0 })
  const size =
    options.size === undefined ? undefined : checkInteger('adamWProgram.size', options.size, { min: 1 })

  // GPU providers have kernels for all of it in this operator set, and not in later ones.
  const graph = new Graph('adamw', { opset: 18 })
  const vectors = ['parameters', 'gradient', 'first', 'second'].map((name) =>
    graph.input(name, 'float32', [size ?? 'size']),
  )
  const scalar = (name: string) => graph.input(name, 'float32', [])
  const [rate, step, maxNorm] = ['learning_rate', 'step', 'max_norm'].map(scalar)
  const norm = options.norm === 'given' ? scalar('norm') : globalNorm(vectors[1])
  const skipped = Or(IsNaN(norm), IsInf(norm))

  // Powers close to 1 need float64: 1 - 0.999 has four digits less than 0.999.
  const correction = (beta: number) =>
    Sub(1, Pow(graph.constant('float64', [], [beta]), Cast(step, { to: 'float64' })))
  const [one, two] = betas.map(correction)
  const root = Sqrt(two)
  const clip = Min(Div(maxNorm, Add(norm, 1e-6)), graph.constant('float32', [], [1]))
  const factors = {
    // What the gradient is multiplied with on its way into each moment.
    intoFirst: Mul(clip, 1 - betas[0]),
    intoSecond: Mul(clip, Math.sqrt(1 - betas[1])),
    // m / c1 / (sqrt(v / c2) + eps) = (sqrt(c2) / c1) m / (sqrt(v) + eps sqrt(c2)): one pass less.
    stride: Mul(rate, Cast(Div(root, one), { to: 'float32' })),
    epsilon: Cast(Mul(root, epsilon), { to: 'float32' }),
    decay: weightDecay === 0 ? undefined : Sub(1, Mul(rate, weightDecay)),
  }
  const update = (parts: Tensor[]) => updateOf(parts, betas, factors)
  const width = size === undefined ? undefined : divisorBetween(size, 8192, 262144)
  const results = If(
    skipped,
    () => [0, 2, 3].map((index) => Identity(vectors[index])),
    () => {
      if (size === undefined || width === undefined) return update(vectors)
      const inputs = vectors.map((vector) => Reshape(vector, [size / width, width]))
      const stacked = Scan({ states: [], inputs }, (...parts) => ({ states: [], stacked: update(parts) }))
      return stacked.map((result) => Reshape(result, [size]))
    },
  )
  for (const [index, name] of ['new_parameters', 'new_first', 'new_second'].entries())
    graph.output(name, results[index])
  graph.output('gradient_norm', Identity(norm))
  graph.output('skipped', Identity(skipped))
  return graph
}

/** New parameters and moments from parameters, gradient and moments of one length. */
function updateOf(
  [parameters, gradient, first, second]: Tensor[],
  [beta1, beta2]: readonly [number, number],
  factors: Record<'intoFirst' | 'intoSecond' | 'stride' | 'epsilon', Tensor> & { decay: Tensor | undefined },
): Tensor[] {
  const { intoFirst, intoSecond, stride, epsilon, decay } = factors
  const newFirst = Add(Mul(first, beta1), Mul(gradient, intoFirst))
  const scaled = Mul(gradient, intoSecond)
  const newSecond = Add(Mul(second, beta2), Mul(scaled, scaled))
  const change = Mul(Div(newFirst, Add(Sqrt(newSecond), epsilon)), stride)
  const kept = decay === undefined ? parameters : Mul(parameters, decay)
  return [Sub(kept, change), newFirst, newSecond]
}
