/** Prompts are read some rows at a time: neither their scores nor their masks are ever there all at once. */
import { attention, op, rowChunks, type AttentionOptions, type RowChunk, type Tensor } from '@evolmm/onnx'
import type { MaskKind } from '../backbones/layers'
import { packedMask, type PackedTokens } from './packed-mask'
import type { Loops } from './weight-files'

/** Tokens of a chunk, at most: shorter prompts are one chunk. */
export const promptChunk = 256

/** Tokens beyond which a prompt is read in chunks where each chunk costs something. */
export const longPrompt = 512

/**
 * Tokens beyond which a prompt is learned from in chunks, by a program of its own: below, chunks save less than it takes to have
 * both programs open, as where the prompts of two roles are on both sides.
 */
export const longLearned = 1024

/** True if prompts of so many tokens are read in chunks: all are, but where what a loop gives crosses to the host. */
export function readsInChunks(loops: Loops | undefined, length: number): boolean {
  return loops === 'attention' ? length > longPrompt : loops !== 'none'
}

/** True if prompts of so many tokens are learned from in chunks. */
export function learnsInChunks(loops: Loops | undefined, length: number): boolean {
  return length > longLearned && readsInChunks(loops, length)
}

/** Attention of a prompt among its own tokens: some rows at a time, and of columns those that any of them sees. */
export function promptChunks(given: AttentionOptions, kind: MaskKind, tokens: PackedTokens): Tensor {
  const made = rowChunks({ like: given.q, chunk: promptChunk }, (part) => ({
    rows: [attention({ ...given, ...chunkOf(given, { kind, tokens, part }) })],
  }))
  return made.rows[0]
}

interface ChunkOptions {
  kind: MaskKind
  tokens: PackedTokens
  part: RowChunk
}

/** The queries of a chunk, with keys, values and a mask of the columns that any of them sees. */
export function chunkOf(
  { q, k, v }: Pick<AttentionOptions, 'q' | 'k' | 'v'>,
  { kind, tokens, part: { of, start, end } }: ChunkOptions,
): { q: Tensor; k: Tensor; v: Tensor; mask: Tensor } {
  const none = k.scope.graph.constant('int64', [1], [0])
  // Tokens of an image see later ones.
  const isCausal = kind.wholeImages !== true || tokens.imageRuns === undefined
  const seen = (x: Tensor) => (isCausal ? op.Slice(x, none, end, [1]) : x)
  const cut = (each: (x: Tensor) => Tensor): PackedTokens => ({
    segments: each(tokens.segments),
    places: tokens.places && each(tokens.places),
    imageRuns: tokens.imageRuns && each(tokens.imageRuns),
  })
  const mask = packedMask(kind, { rows: cut((x) => of(x, 1)), columns: cut(seen), start })
  return { q: of(q), k: seen(k), v: seen(v), mask }
}
