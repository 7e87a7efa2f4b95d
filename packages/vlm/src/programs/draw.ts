/**
 * Drawing tokens inside a program.
 *
 * A plain cumulative sum in float32 over 152,064 words lands on a neighbour every few draws. So the words are summed in
 * blocks, the few block sums and then one block are summed up in float64, and the token is the first whose sum exceeds
 * the uniform number that the host gives. Words of probability 0 are never drawn.
 */
import { op, type Tensor } from '@evolmm/onnx'
import { integer } from './program-graph'

export interface DrawOptions {
  /** [rows, V] */
  logits: Tensor
  /** Random numbers from 0 up to, but without, 1: float64 [rows]. */
  uniforms: Tensor
  /** Scalars. Temperature 0 is greedy; topP 1 and topK (int64) 0 are off. */
  temperature: Tensor
  topP: Tensor
  topK: Tensor
}

export interface Drawn {
  /** int64 [rows] */
  tokens: Tensor
  /** Log-probability under the distribution it was drawn from, [rows]. */
  sampled: Tensor
  /** Log-probability under the softmax of the logits themselves, [rows]. */
  plain: Tensor
}

const blockSize = 512
/** Words that are sorted first when some are cut off; all are if these do not settle it. */
const candidates = 1024

export function draw({ logits, uniforms, temperature, topP, topK }: DrawOptions): Drawn {
  const words = Number(logits.shape?.[1])
  const { graph } = logits.scope
  const [tokens, sampled] = op.If(
    op.Equal(temperature, 0),
    () => {
      const best = op.ArgMax(logits, { axis: 1, keepdims: 0 })
      return [best, op.Mul(op.Cast(best, { to: 'float32' }), 0)]
    },
    () => {
      const scaled = op.Div(logits, temperature)
      const probabilities = op.Softmax(scaled)
      const cut = op.Or(op.Greater(topK, 0), op.Less(topP, 1))
      const [kept, mass] = op.If(
        cut,
        () => {
          const filtered = cutOff(probabilities, words, topP, topK)
          return [filtered, op.ReduceSum(filtered, [1], { keepdims: 0 })]
        },
        () => {
          const rows = op.Shape(probabilities, { start: 0, end: 1 })
          return [op.Identity(probabilities), op.Expand(graph.constant('float32', [1], [1]), rows)]
        },
      )
      const drawn = inverse(kept, words, uniforms)
      return [drawn, op.Sub(logProbability(scaled, drawn), op.Log(mass))]
    },
  )
  return { tokens, sampled, plain: logProbability(logits, tokens) }
}

/** Log-probability of `tokens[r]` for each row. Not by `LogSoftmax`, for which WebGPU has no kernel. */
function logProbability(logits: Tensor, tokens: Tensor): Tensor {
  const shifted = op.Sub(logits, op.ReduceMax(logits, [1]))
  const chosen = op.GatherElements(shifted, op.Unsqueeze(tokens, [1]), { axis: 1 })
  return op.Squeeze(op.Sub(chosen, op.Log(op.ReduceSum(op.Exp(shifted), [1]))), [1])
}

/** The first word of each row whose cumulative probability exceeds uniform x total. */
function inverse(probabilities: Tensor, words: number, uniforms: Tensor): Tensor {
  const { graph } = probabilities.scope
  const count = Math.ceil(words / blockSize)
  const padded =
    words === count * blockSize ? probabilities : op.Pad(probabilities, [0, 0, 0, count * blockSize - words])
  const blocks = op.Reshape(padded, [-1, count, blockSize])
  const sums = op.Cast(op.ReduceSum(blocks, [2], { keepdims: 0 }), { to: 'float64' })
  const total = op.ReduceSum(sums, [1])
  const target = op.Mul(op.Unsqueeze(uniforms, [1]), total)
  const block = firstAbove(sums, count, target)
  const places = graph.constant(
    'int64',
    [1, count],
    Array.from({ length: count }, (_, i) => i),
  )
  const earlier = op.Less(places, op.Unsqueeze(block, [1]))
  const before = op.ReduceSum(op.Where(earlier, sums, graph.constant('float64', [], [0])), [1])

  const rows = op.Reshape(op.Shape(probabilities, { start: 0, end: 1 }), [])
  const row = op.Range(integer(graph, 0), rows, integer(graph, 1))
  const chosen = op.Gather(op.Reshape(blocks, [-1, blockSize]), op.Add(op.Mul(row, count), block))
  const word = firstAbove(op.Cast(chosen, { to: 'float64' }), blockSize, op.Sub(target, before))
  return op.Add(op.Mul(block, blockSize), word)
}

/**
 * The first place of each row whose cumulative sum exceeds the target; rounding never leads past the last that adds.
 */
function firstAbove(values: Tensor, length: number, target: Tensor): Tensor {
  const { graph } = values.scope
  const upTo = op.CumSum(values, integer(graph, 1))
  const last = op.Slice(upTo, [length - 1], [length], [1])
  const passed = op.And(op.LessOrEqual(upTo, target), op.Less(upTo, last))
  return op.ReduceSum(op.Cast(passed, { to: 'int64' }), [1], { keepdims: 0 })
}

/**
 * Zeros for words that top-k, then top-p, cut off, as in transformers: the k best; of these the fewest whose share
 * reaches p. Words as probable as the last one that is kept are kept.
 */
function cutOff(probabilities: Tensor, words: number, topP: Tensor, topK: Tensor): Tensor {
  const { graph } = probabilities.scope
  const few = Math.min(words, candidates)
  const limit = op.Where(op.Greater(topK, 0), topK, integer(graph, words))
  const threshold = (sorted: Tensor, length: number, all: boolean): Tensor => {
    const place = graph.constant(
      'int64',
      [length],
      Array.from({ length }, (_, i) => i),
    )
    const allowed = op.Where(op.Less(place, limit), sorted, graph.constant('float32', [], [0]))
    const inclusive = op.CumSum(op.Cast(allowed, { to: 'float64' }), integer(graph, 1))
    // Without top-k the share is of all words, which the sorted ones may not be.
    const whole = op.Slice(inclusive, [length - 1], [length], [1])
    const share = all ? whole : op.Where(op.Greater(topK, 0), whole, graph.constant('float64', [], [1]))
    const before = op.Sub(inclusive, op.Cast(allowed, { to: 'float64' }))
    const kept = op.And(
      op.Less(before, op.Mul(share, op.Cast(topP, { to: 'float64' }))),
      op.Less(place, limit),
    )
    return op.ReduceMin(op.Where(kept, sorted, graph.constant('float32', [], [2])), [1])
  }
  const [first] = op.TopK(probabilities, few, { axis: 1 })
  let least: Tensor
  if (few === words) least = threshold(first, few, true)
  else {
    const covered = op.ReduceMin(op.ReduceSum(first, [1], { keepdims: 0 }), [0], { keepdims: 0 })
    const byK = op.And(op.Greater(topK, 0), op.LessOrEqual(topK, few))
    const byP = op.And(op.Equal(topK, 0), op.GreaterOrEqual(covered, topP))
    ;[least] = op.If(
      op.Or(byK, byP),
      () => [threshold(first, few, false)],
      () => [threshold(op.TopK(probabilities, words, { axis: 1 })[0], words, true)],
    )
  }
  return op.Where(op.GreaterOrEqual(probabilities, least), probabilities, graph.constant('float32', [], [0]))
}
