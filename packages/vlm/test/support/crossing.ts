/** mllama's way with Qwen2-VL's tiny checkpoint: its first layer attends to features that stand in no place. */
import { op } from '@evolmm/onnx'
import type { Backbone } from '../../src/backbones/backbone'
import type { ImageLayout } from '../../src/backbones/vision'
import { towerOf } from './seam'

const block = 'model.language_model.layers.0.self_attn'

export function crossing(backbone: Backbone): Partial<Backbone> {
  return {
    vision: { ...towerOf(backbone), sees: seenFromTheirToken },
    prompt: {
      ...backbone.prompt,
      tokenize: (text, _, tokenizer) => ({ ids: Int32Array.from(tokenizer.encode(text)), imageSpans: [] }),
    },
    axes: 3,
    positions: ({ length }) => ({
      positions: Int32Array.from({ length: 3 * length }, (_, i) => i % length),
      delta: 0,
    }),
    embed: (layers, ids) => backbone.embed(layers, ids),
    // What the first layer attends with, once more for the features.
    decoder: (layers, { cross, embedded, positions, attend, keep }) => {
      const mixed = cross?.attend(0, {
        q: layers.linear(embedded, `${block}.q_proj`),
        keysValues: (features) => [
          layers.linear(features, `${block}.k_proj`),
          layers.linear(features, `${block}.v_proj`),
        ],
        ...{ heads: 4, keyValueHeads: 2, headSize: 16 },
      })
      const more = cross && mixed && op.Mul(layers.linear(mixed, `${block}.o_proj`), cross.there)
      return backbone.decoder(layers, {
        ...{ positions, attend, keep },
        embedded: more === undefined ? embedded : op.Add(embedded, more),
      })
    },
  }
}

/** A token sees the images up to its place, of which each is one token; before the first it sees all of them. */
function seenFromTheirToken(ids: ArrayLike<number>, images: readonly ImageLayout[]): Uint8Array {
  const imageToken = 410
  const total = images.reduce((sum, { tokens }) => sum + tokens, 0)
  const seen = new Uint8Array(ids.length * total)
  let [met, visible] = [0, 0]
  for (let token = 0; token < ids.length; token++) {
    if (ids[token] === imageToken) visible += images[met++].tokens
    seen.fill(1, token * total, token * total + (visible === 0 ? total : visible))
  }
  return seen
}
