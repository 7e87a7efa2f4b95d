/**
 * Attention over packed groups: each group is one sequence [prompt][c1]...[cN], and a completion sees the prompt and
 * itself. Groups are rows of a batch; prompts are padded to one length, and so are all completions of a group together.
 * Prompts never look at completions, so their rows have scores for prompts alone.
 */
import { attention, op, type Tensor } from '@evolmm/onnx'
import type { Attend } from '../backbones/layers'
import { masksOf, type MaskInputs } from './mask-kinds'
import { packedMask } from './packed-mask'
import { promptChunks } from './prompt-chunks'

export interface PackedAttentionOptions extends MaskInputs {
  /** int64 [G, T]: 0 for the prompt, n for the n-th completion, -1 for padding. */
  segments: Tensor
  /** Places before the first completion, int64 [1]. @default there are no completions */
  promptWidth?: Tensor
  /**
   * True reads prompts some rows at a time, so that neither their scores nor their masks are ever there all at once. Not for
   * what a gradient is taken of. @default false
   */
  chunked?: boolean
  /** True makes probabilities again in the backward pass. @default false */
  again?: boolean
}

export function packedAttention(options: PackedAttentionOptions): Attend {
  const { segments, promptWidth, kinds, places, imageRuns, chunked = false, again = false } = options
  const { graph } = segments.scope
  const int = (value: number) => graph.constant('int64', [1], [value])
  const whole = op.Concat([op.Shape(segments), int(-1)], { axis: 0 })
  const from = (x: Tensor, start: Tensor, end: Tensor) => op.Slice(x, start, end, [1])
  const prompts = (x: Tensor) => (promptWidth === undefined ? x : from(x, int(0), promptWidth))
  const completions = (x: Tensor, width: Tensor) => from(x, width, int(2 ** 31 - 1))
  const of = (cut: (x: Tensor) => Tensor) => ({
    segments: cut(segments),
    places: places && cut(places),
    imageRuns: imageRuns && cut(imageRuns),
  })
  const tokens = of(prompts)
  const promptMasks = chunked
    ? undefined
    : masksOf(kinds, (kind) => packedMask(kind, { rows: tokens, columns: tokens }))
  const completionMasks =
    promptWidth &&
    masksOf(kinds, (kind) =>
      packedMask(
        { ...kind, wholeImages: false },
        { rows: of((x) => completions(x, promptWidth)), columns: of((x) => x), start: promptWidth },
      ),
    )

  return (layer, { q, k, v, heads, keyValueHeads, headSize, scale }) => {
    const [batchQ, batchK, batchV] = [q, k, v].map((rows) => op.Reshape(rows, whole))
    const sizes = { heads, keyValueHeads, headSize, again, ...(scale !== undefined && { scale }) }
    const ofPrompt = { q: prompts(batchQ), k: prompts(batchK), v: prompts(batchV), ...sizes }
    const ofPrompts =
      promptMasks === undefined
        ? promptChunks(ofPrompt, kinds[layer], tokens)
        : attention({ ...ofPrompt, mask: promptMasks[layer] })
    if (promptWidth === undefined) return op.Reshape(ofPrompts, [-1, heads * headSize])
    const ofCompletions = attention({
      q: completions(batchQ, promptWidth),
      k: batchK,
      v: batchV,
      mask: completionMasks?.[layer],
      ...sizes,
    })
    return op.Reshape(op.Concat([ofPrompts, ofCompletions], { axis: 1 }), [-1, heads * headSize])
  }
}
