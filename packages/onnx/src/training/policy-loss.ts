/**
 * The loss of REINFORCE with an exact divergence from a reference, straight from hidden states:
 * `loss = sum_r weights[r] (-log pi(tokens[r])) + kl.weights[r] KL(pi_r || ref_r)`.
 *
 * Logits exist for one chunk of rows at a time, so memory grows with chunk x words, not with rows x words. Because the
 * loss is a plain sum, the gradient of a chunk's hidden states is known as soon as its logits are: the forward sweep
 * computes it beside the loss, and the backward pass only multiplies it with the incoming gradient. A sweep costs two
 * products with the head (three with a reference), as many as without chunks. The head's own gradient, if wanted, takes
 * a second sweep.
 */
import { checkInteger, checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { customOp } from '../grad/custom-op'
import { stopGradient } from '../grad/stop-gradient'
import type { Tensor } from '../graph/graph'
import { knownShape } from '../graph/known-shape'
import { Loop } from '../ops/control-flow'
import { ConstantOfShape } from '../ops/creation'
import { Add, Cast, Div, Exp, Mul, Neg, Sub } from '../ops/elementwise'
import { Gather, GatherElements, ScatterElements, Slice } from '../ops/indexing'
import { Gemm } from '../ops/matrix'
import { ReduceSum } from '../ops/reduction'
import { Concat, Reshape, Shape, Squeeze, Unsqueeze } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { logProbabilities, logSoftmax } from './log-probabilities'
import { operatorFor } from './operator-for'

export interface PolicyLossOptions {
  /** [R, D], one row for each scored token: the state that predicts it. */
  hidden: Tensor
  /** The weight of the head, [V, D]. */
  weight: Tensor
  /** The ids of the tokens [R], int64 or int32. */
  tokens: Tensor
  /** [R], what each token's negative log-probability counts: advantage divided by the number of tokens, say. */
  weights: Tensor
  /**
   * The divergence from a reference policy, given by its hidden states [R, D] (same head) or logits [R, V]. What logits
   * of -Infinity count is said at `exactKl`.
   */
  kl?: KlOptions
  /** Rows whose logits exist at the same time. @default 64 */
  chunk?: number
}

export type KlOptions = {
  /** [R], what each row's divergence counts: beta divided by the number of tokens, say. */
  weights: Tensor
} & ({ hidden: Tensor; logits?: undefined } | { logits: Tensor; hidden?: undefined })

export interface PolicyLoss {
  /** A scalar. Its gradient reaches the hidden states, the head and both weights, not the reference. */
  loss: Tensor
  /** What reports show, without gradients: [R] each. */
  logProbabilities: Tensor
  entropy: Tensor
  /** Zeros without a reference. */
  kl: Tensor
}

export function policyLoss(options: PolicyLossOptions): PolicyLoss {
  checkNames('policyLoss', options, {
    hidden: true,
    weight: true,
    tokens: true,
    weights: true,
    kl: true,
    chunk: true,
  })
  const { hidden, weight, weights, kl } = options
  const chunk = checkInteger('policyLoss.chunk', options.chunk ?? 64, { min: 1 })
  checkOperands('policyLoss', {
    hidden: { tensor: hidden, shape: ['R', 'D'] },
    weight: { tensor: weight, shape: ['V', 'D'] },
    tokens: { tensor: options.tokens, shape: ['R'], type: 'index' },
    weights: { tensor: weights, shape: ['R'] },
    'kl.hidden': { tensor: kl?.hidden, shape: ['R', 'D'], optional: true },
    'kl.logits': { tensor: kl?.logits, shape: ['R', 'V'], optional: true },
    'kl.weights': { tensor: kl?.weights, shape: ['R'], optional: kl === undefined },
  })
  if (kl !== undefined && (kl.hidden === undefined) === (kl.logits === undefined))
    throw new EvolmmError(
      'INVALID_OPTION',
      'policyLoss.kl: must have exactly one of hidden and logits, got both or none; pass one',
    )
  const tokens = options.tokens.dtype === 'int64' ? options.tokens : Cast(options.tokens, { to: 'int64' })
  const kind: ReferenceKind = kl === undefined ? 'none' : kl.hidden === undefined ? 'logits' : 'hidden'
  const reference = kl && (kl.hidden ?? kl.logits)
  const given = [hidden, weight, tokens, weights, reference, kl?.weights]
  const results = policyLossOp(kind, chunk)(...given.filter((tensor) => tensor !== undefined))
  const [logProbabilities, entropy, divergence] = results.slice(1, 4).map(stopGradient)
  return { loss: results[0], logProbabilities, entropy, kl: divergence }
}

type ReferenceKind = 'none' | 'hidden' | 'logits'

/** Everything that has a row for each token: sliced into chunks together. */
interface TokenRows {
  hidden: Tensor
  tokens: Tensor
  weights: Tensor
  reference?: Tensor
  klWeights?: Tensor
}

const policyLossOp = operatorFor((kind: ReferenceKind, chunk: number) => {
  const rowsOf = ([hidden, , tokens, weights, ...rest]: Tensor[]): TokenRows =>
    kind === 'none'
      ? { hidden, tokens, weights }
      : { hidden, tokens, weights, reference: rest[0], klWeights: rest[1] }

  return customOp({
    name: 'PolicyLoss',
    // Outputs: loss, log-probabilities, entropy, divergence, and the gradient of the hidden states.
    forward: (...inputs) => {
      const [head, rows] = [inputs[1], rowsOf(inputs)]
      const nothing = inputs[0].scope.graph.constant(head.dtype, [], [0])
      return inChunks(rows, chunk, nothing, (part, sum) => {
        const { loss, logits, picked, entropy, divergence } = score(part, head, kind)
        const own = Mul(Gather(head, part.tokens), Unsqueeze(part.weights, [1]))
        return [Add(sum, loss), picked, entropy, divergence, Sub(Gemm(logits, head), own)]
      })
    },
    backward: ({ inputs, outputs, gradients: [gradient], needs }) => {
      if (gradient === undefined) return []
      const [, picked, , divergence, hiddenGradient] = outputs
      const made: (Tensor | undefined)[] = inputs.map(() => undefined)
      made[0] = needs[0] ? Mul(hiddenGradient, gradient) : undefined
      made[1] = needs[1] ? Mul(headGradient(rowsOf(inputs), inputs[1], kind, chunk), gradient) : undefined
      made[3] = needs[3] ? Mul(Neg(picked), gradient) : undefined
      made[5] = needs[5] ? Mul(divergence, gradient) : undefined
      return made
    },
  })
})

/**
 * The loss of some rows, what is reported of each, and `logits`: the gradient with respect to the logits, but for the
 * tokens' own entries.
 */
function score(
  { hidden, tokens, weights, reference, klWeights }: TokenRows,
  head: Tensor,
  kind: ReferenceKind,
): Record<'loss' | 'picked' | 'entropy' | 'divergence' | 'logits', Tensor> {
  const total = (x: Tensor) => ReduceSum(x, [0], { keepdims: 0 })
  const policy = logSoftmax(Gemm(hidden, head, undefined, { transB: 1 }))
  const probabilities = Exp(policy)
  const picked = Squeeze(GatherElements(policy, Unsqueeze(tokens, [1]), { axis: 1 }), [1])
  const entropy = Neg(ReduceSum(Mul(probabilities, policy), [1], { keepdims: 0 }))
  const own = Unsqueeze(weights, [1])
  const loss = Neg(total(Mul(picked, weights)))
  if (reference === undefined || klWeights === undefined)
    return { loss, picked, entropy, divergence: Mul(weights, 0), logits: Mul(probabilities, own) }
  // Logits that are given may rule words out; products cannot.
  const other =
    kind === 'logits'
      ? logProbabilities(reference)
      : logSoftmax(Gemm(reference, head, undefined, { transB: 1 }))
  const ratio = Sub(policy, other)
  const divergence = ReduceSum(Mul(probabilities, ratio), [1], { keepdims: 0 })
  const base = Unsqueeze(Sub(weights, Mul(klWeights, divergence)), [1])
  const factor = Add(Mul(ratio, Unsqueeze(klWeights, [1])), base)
  const penalty = total(Mul(divergence, klWeights))
  return { loss: Add(loss, penalty), picked, entropy, divergence, logits: Mul(probabilities, factor) }
}

/** Gradient of the head [V, D], summed over the chunks. */
function headGradient(rows: TokenRows, head: Tensor, kind: ReferenceKind, chunk: number): Tensor {
  const [result] = inChunks(rows, chunk, Mul(head, 0), (part, sum) => {
    const { logits } = score(part, head, kind)
    const own = Unsqueeze(Neg(part.weights), [1])
    const complete = ScatterElements(logits, Unsqueeze(part.tokens, [1]), own, { axis: 1, reduction: 'add' })
    return [Gemm(complete, part.hidden, sum, { transA: 1 })]
  })
  return result
}

/**
 * `step` on `chunk` rows at a time, which returns the sum so far and what is to be stacked for all rows. The last chunk
 * is filled up with rows of zeros, which have no weight.
 */
function inChunks(
  rows: TokenRows,
  chunk: number,
  start: Tensor,
  step: (part: TokenRows, sum: Tensor) => Tensor[],
): Tensor[] {
  const size = rows.hidden.shape?.[0]
  if (typeof size === 'number' && size <= chunk) return step(rows, start)
  const { graph } = rows.hidden.scope
  const given = Object.entries(rows).filter((entry): entry is [string, Tensor] => entry[1] !== undefined)
  const count = Shape(rows.hidden, { start: 0, end: 1 })
  const trips = Div(Add(count, chunk - 1), chunk)
  const missing = Sub(Mul(trips, chunk), count)
  const whole = Concat([trips, graph.constant('int64', [1], [chunk])], { axis: 0 })
  const parts = given.map(([name, x]): [string, Tensor] => {
    const inner = Shape(x, { start: 1 })
    const rest = ConstantOfShape(Concat([missing, inner], { axis: 0 }), graph.constant(x.dtype, [1], [0]))
    return [name, Reshape(Concat([x, rest], { axis: 0 }), Concat([whole, inner], { axis: 0 }))]
  })
  const [sum, ...stacked] = Loop({ trips: Reshape(trips, []), carried: [start] }, (i, carried) => {
    const part: TokenRows = { ...rows, ...Object.fromEntries(parts.map(([name, x]) => [name, Gather(x, i)])) }
    const [next, ...entries] = step(part, carried)
    return { carried: [next], stacked: entries }
  })
  const merged = graph.constant('int64', [1], [-1])
  const flat = stacked.map((x) => Reshape(x, Concat([merged, Shape(x, { start: 2 })], { axis: 0 })))
  // There are as many rows as were given, or more.
  return [
    sum,
    ...flat.map((x) => knownShape(Slice(x, [0], count), x.shape && [size ?? 'rows', ...x.shape.slice(1)])),
  ]
}
