/** The inputs that say how tokens are drawn, and when a sample ends. */
import { op, type Graph, type Tensor } from '@evolmm/onnx'
import { draw, type Drawn } from './draw'

export interface DrawInputs {
  /** Tokens from logits [rows, V] and uniform numbers [rows]. */
  draw: (logits: Tensor, uniforms: Tensor) => Drawn
  /** The function says which of the tokens end a sample. */
  stops: (tokens: Tensor) => Tensor
}

/** Declares `temperature`, `top_p` (float32), `top_k` (int64) and `stop_tokens` (int64 [K]). */
export function drawInputs(graph: Graph): DrawInputs {
  const [temperature, topP] = ['temperature', 'top_p'].map((name) => graph.input(name, 'float32', []))
  const topK = graph.input('top_k', 'int64', [])
  const stopTokens = graph.input('stop_tokens', 'int64', ['K'])
  return {
    draw: (logits, uniforms) => draw({ logits, uniforms, temperature, topP, topK }),
    stops: (tokens) => {
      const same = op.Equal(op.Unsqueeze(tokens, [1]), op.Unsqueeze(stopTokens, [0]))
      return op.Greater(op.ReduceSum(op.Cast(same, { to: 'int64' }), [1], { keepdims: 0 }), 0)
    },
  }
}
