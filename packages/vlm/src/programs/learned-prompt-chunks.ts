/**
 * Prompts that are learned from in chunks: the backward pass makes scores and masks of each chunk again, so that memory grows
 * with the tokens and not with their square.
 */
import { attention, customOp, grad, op, rowChunks, type AttentionOptions, type Tensor } from '@evolmm/onnx'
import type { MaskKind } from '../backbones/layers'
import type { PackedTokens } from './packed-mask'
import { chunkOf, promptChunk, promptChunks } from './prompt-chunks'

type Sizes = Omit<AttentionOptions, 'q' | 'k' | 'v' | 'mask' | 'chunk' | 'again'>

/** `promptChunks` with a gradient, as an operator that layers of one kind and of equal sizes share. */
export function learnedPromptChunks(
  sizes: Sizes,
  kind: MaskKind,
  tokens: PackedTokens,
): (q: Tensor, k: Tensor, v: Tensor) => Tensor {
  const given = Object.entries(tokens).filter((entry): entry is [string, Tensor] => entry[1] !== undefined)
  const inside = (inputs: readonly Tensor[]) =>
    Object.fromEntries(given.map(([name], i) => [name, inputs[i]])) as unknown as PackedTokens
  const run = customOp({
    name: 'PromptChunks',
    forward: (q, k, v, ...rest) => [promptChunks({ q, k, v, ...sizes }, kind, inside(rest))],
    backward: ({ inputs: [q, k, v, ...rest], gradients: [gradient], needs }) => {
      if (gradient === undefined) return []
      const sums = [k, v].filter((_, i) => needs[i + 1]).map(zerosOf)
      const made = rowChunks({ like: q, chunk: promptChunk, sums }, (part) => {
        const own = chunkOf({ q, k, v }, { kind, tokens: inside(rest), part })
        const wanted = [own.q, own.k, own.v].filter((_, i) => needs[i])
        const slopes = grad(attention({ ...sizes, ...own }), wanted, { seed: part.of(gradient) })
        const rows = needs[0] ? slopes.splice(0, 1) : []
        return { rows, sums: part.sums.map((sum, i) => op.Add(sum, filledUp(slopes[i], sum))) }
      })
      const all = [...made.rows, ...made.sums]
      return needs.map((isNeeded) => (isNeeded ? all.shift() : undefined))
    },
  })
  return (q, k, v) => run(q, k, v, ...given.map(([, tensor]) => tensor))[0]
}

function zerosOf(x: Tensor): Tensor {
  return op.ConstantOfShape(op.Shape(x), x.scope.graph.constant(x.dtype, [1], [0]))
}

/** The first rows [G, some, D] of a tensor like `whole`, [G, all, D], with zeros for the others. */
function filledUp(rows: Tensor, whole: Tensor): Tensor {
  const count = (x: Tensor) => op.Shape(x, { start: 1, end: 2 })
  const none = rows.scope.graph.constant('int64', [1], [0])
  const missing = op.Sub(count(whole), count(rows))
  const padded = op.Pad(rows, op.Concat([none, missing], { axis: 0 }), undefined, [1])
  return op.Reshape(padded, op.Shape(whole))
}
