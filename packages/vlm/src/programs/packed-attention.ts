/**
 * Attention over packed groups: each group is one sequence [prompt][c1]...[cN], and a completion sees the prompt and
 * itself. Groups are rows of a batch; prompts are padded to one length, and so are all completions of a group together.
 * Prompts never look at completions, so their rows have scores for prompts alone.
 */
import { attention, op, type AttentionOptions, type Tensor } from '@evolmm/onnx'
import type { Attend, MaskKind } from '../backbones/layers'
import { masksOf, type MaskInputs } from './mask-kinds'
import { packedMask, type PackedTokens } from './packed-mask'
import { learnedPromptChunks } from './learned-prompt-chunks'
import { promptChunks } from './prompt-chunks'

export interface PackedAttentionOptions extends MaskInputs {
  /** int64 [G, T]: 0 for the prompt, n for the n-th completion, -1 for padding. */
  segments: Tensor
  /** Places before the first completion, int64 [1]. @default there are no completions */
  promptWidth?: Tensor
  /**
   * True reads prompts some rows at a time, so that neither their scores nor their masks are ever there all at once.
   * @default false
   */
  chunked?: boolean
  /** True if a gradient is taken: its pass makes again what is of the scores' size. @default false */
  learned?: boolean
}

export function packedAttention(options: PackedAttentionOptions): Attend {
  const { segments, promptWidth, kinds, places, imageRuns, chunked = false, learned = false } = options
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

  const inChunks = chunksOf(tokens, { learned })
  return (layer, { q, k, v, heads, keyValueHeads, headSize, scale }) => {
    const [batchQ, batchK, batchV] = [q, k, v].map((rows) => op.Reshape(rows, whole))
    const sizes = { heads, keyValueHeads, headSize, ...(scale !== undefined && { scale }) }
    const ofPrompt = { q: prompts(batchQ), k: prompts(batchK), v: prompts(batchV), ...sizes }
    const ofPrompts =
      promptMasks === undefined
        ? inChunks(ofPrompt, kinds[layer])
        : attention({ ...ofPrompt, mask: promptMasks[layer], again: learned })
    if (promptWidth === undefined) return op.Reshape(ofPrompts, [-1, heads * headSize])
    const ofCompletions = attention({
      q: completions(batchQ, promptWidth),
      k: batchK,
      v: batchV,
      mask: completionMasks?.[layer],
      again: learned,
      ...sizes,
    })
    return op.Reshape(op.Concat([ofPrompts, ofCompletions], { axis: 1 }), [-1, heads * headSize])
  }
}

/** Attention of prompts in chunks; where it is learned, layers of one kind and of equal sizes share an operator. */
function chunksOf(
  tokens: PackedTokens,
  { learned }: { learned: boolean },
): (given: AttentionOptions, kind: MaskKind) => Tensor {
  const operators = new Map<string, ReturnType<typeof learnedPromptChunks>>()
  return ({ q, k, v, ...sizes }, kind) => {
    if (!learned) return promptChunks({ q, k, v, ...sizes }, kind, tokens)
    const key = JSON.stringify([kind.window, kind.wholeImages ?? false, sizes])
    const operator = operators.get(key) ?? learnedPromptChunks(sizes, kind, tokens)
    operators.set(key, operator)
    return operator(q, k, v)
  }
}
