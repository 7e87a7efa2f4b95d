/** Prompts are read some rows at a time: neither their scores nor their masks are ever there all at once. */
import { attention, op, rowChunks, type AttentionOptions, type Tensor } from '@evolmm/onnx'
import type { MaskKind } from '../backbones/layers'
import { packedMask, type PackedTokens } from './packed-mask'
import type { Loops } from './weight-files'

/** Tokens of a chunk, at most: shorter prompts are one chunk. */
export const promptChunk = 256

/** Tokens beyond which a prompt is read in chunks where each chunk costs something. */
export const longPrompt = 512

/** True if prompts of so many tokens are read in chunks: all are, but where what a loop gives crosses to the host. */
export function readsInChunks(loops: Loops | undefined, length: number): boolean {
  return loops === 'attention' ? length > longPrompt : loops !== 'none'
}

/** Attention of a prompt among its own tokens: some rows at a time, and of columns those that any of them sees. */
export function promptChunks(given: AttentionOptions, kind: MaskKind, tokens: PackedTokens): Tensor {
  const { k, v } = given
  const { graph } = k.scope
  const none = graph.constant('int64', [1], [0])
  // Tokens of an image see later ones.
  const isCausal = kind.wholeImages !== true || tokens.imageRuns === undefined
  const made = rowChunks({ like: given.q, chunk: promptChunk }, ({ of, start, end }) => {
    const seen = (x: Tensor) => (isCausal ? op.Slice(x, none, end, [1]) : x)
    const cut = (each: (x: Tensor) => Tensor): PackedTokens => ({
      segments: each(tokens.segments),
      places: tokens.places && each(tokens.places),
      imageRuns: tokens.imageRuns && each(tokens.imageRuns),
    })
    const mask = packedMask(kind, { rows: cut((x) => of(x, 1)), columns: cut(seen), start })
    return { rows: [attention({ ...given, q: of(given.q), k: seen(k), v: seen(v), mask })] }
  })
  return made.rows[0]
}
