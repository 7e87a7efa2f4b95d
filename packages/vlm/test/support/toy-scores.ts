/** The toy model in plain JavaScript. */
import { floats, type RawTensor } from './safetensors'

/** The angle by which a head's pair is rotated in the row of a token. */
export type Rotation = (token: number, pair: number) => { angle: number; scale?: number }

export interface PlainScoresOptions {
  tensors: ReadonlyMap<string, RawTensor>
  json: { hidden_size: number; num_hidden_layers: number; window: number }
  prompt: readonly number[]
  completion: readonly number[]
  /** @default by the token's place */
  rotation?: Rotation
}

const byPlace: Rotation = (token, pair) => ({ angle: token / 100 ** (pair / 4) })

/** Log-probabilities of the completion by the definition of the model, token by token, in float64. */
export function plainScores({
  tensors,
  json,
  prompt,
  completion,
  rotation = byPlace,
}: PlainScoresOptions): number[] {
  const ids = [...prompt, ...completion]
  const [width, headSize, window] = [json.hidden_size, 8, json.window]
  const [heads, groups] = [width / 8, width / 16]
  const weight = (name: string) => floats(tensors.get(name)?.data ?? new Uint8Array())
  const times = (x: readonly number[], name: string): number[] => {
    const matrix = weight(name)
    return Array.from({ length: matrix.length / x.length }, (_, row) =>
      x.reduce((sum, value, i) => sum + value * matrix[row * x.length + i], 0),
    )
  }
  const norm = (x: readonly number[], name: string): number[] => {
    const scale = weight(name)
    const deviation = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + 1e-6)
    return x.map((value, i) => (value / deviation) * scale[i])
  }
  const turned = (x: readonly number[], token: number): number[] =>
    x.map((value, i) => {
      const [head, at] = [Math.floor(i / headSize) * headSize, i % headSize]
      const pair = at % (headSize / 2)
      const { angle, scale = 1 } = rotation(token, pair)
      const other = x[head + ((at + headSize / 2) % headSize)]
      return scale * (value * Math.cos(angle) + (at < headSize / 2 ? -other : other) * Math.sin(angle))
    })
  const plus = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value + b[i])

  const table = weight('transformer.embed_tokens.weight')
  let states = ids.map((id) => [...table.subarray(id * width, (id + 1) * width)].map((value) => 3 * value))
  for (let layer = 0; layer < json.num_hidden_layers; layer++) {
    const name = `transformer.layers.${layer}`
    const normed = states.map((x) => norm(x, `${name}.input_layernorm.weight`))
    const [q, k, v] = ['q', 'k', 'v'].map((part) =>
      normed.map((x) => times(x, `${name}.self_attn.${part}_proj.weight`)),
    )
    const [turnedQ, turnedK] = [q, k].map((rows) => rows.map(turned))
    const mixed = ids.map((_, row) =>
      Array.from({ length: heads }, (__, head) => {
        const group = Math.floor(head / (heads / groups)) * headSize
        const oldest = layer % 2 === 0 ? Math.max(0, row - window + 1) : 0
        const seen = Array.from({ length: row - oldest + 1 }, (___, i) => oldest + i)
        const dot = (column: number) =>
          Array.from({ length: headSize }, (___, i) => i).reduce(
            (sum, i) => sum + turnedQ[row][head * headSize + i] * turnedK[column][group + i],
            0,
          )
        const shares = seen.map((column) => Math.exp(0.5 * dot(column)))
        const total = shares.reduce((sum, value) => sum + value, 0)
        return Array.from({ length: headSize }, (___, i) =>
          seen.reduce((sum, column, at) => sum + (shares[at] / total) * v[column][group + i], 0),
        )
      }).flat(),
    )
    states = states.map((x, row) => {
      const attended = plus(x, times(mixed[row], `${name}.self_attn.o_proj.weight`))
      const y = norm(attended, `${name}.post_attention_layernorm.weight`)
      const up = times(y, `${name}.mlp.up_proj.weight`)
      const gated = times(y, `${name}.mlp.gate_proj.weight`).map((g, i) => (g / (1 + Math.exp(-g))) * up[i])
      return plus(attended, times(gated, `${name}.mlp.down_proj.weight`))
    })
  }
  const head = tensors.has('lm_head.weight') ? 'lm_head.weight' : 'transformer.embed_tokens.weight'
  return completion.map((id, i) => {
    const logits = times(norm(states[prompt.length + i - 1], 'transformer.norm.weight'), head)
    return logits[id] - Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0))
  })
}
