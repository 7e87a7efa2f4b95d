/** What the benchmarks share: a transformer with LoRA as a graph, inputs for it, and medians. */
import { flattenParameters, grad, Graph, op, parameterLayout, serialize, sliceParameters } from '@evolmm/onnx'
import ort from 'onnxruntime-node'
import { adapterShapes, found, frozenShapes, transformer } from '../test/support/transformer.ts'

/** The same numbers each time, in [-scale, scale]. */
export function numbers(count, scale = 0.05) {
  const values = new Float32Array(count)
  let state = 12345
  for (let i = 0; i < count; i++) {
    state = (state * 48271) % 2147483647
    values[i] = (state / 2147483647 - 0.5) * 2 * scale
  }
  return values
}

const size = (dims) => dims.reduce((product, dim) => product * dim, 1)
export const constant = (dims, scale) => ({
  dtype: 'float32',
  dims,
  bytes: new Uint8Array(numbers(size(dims), scale).buffer),
})
export const feed = (dims, scale) => new ort.Tensor('float32', numbers(size(dims), scale), dims)

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** Median milliseconds of a run, after two to warm up. */
export async function timeRuns(session, feeds, runs) {
  const times = []
  for (let run = -2; run < runs; run++) {
    const start = performance.now()
    await session.run(feeds)
    if (run >= 0) times.push(performance.now() - start)
  }
  return median(times)
}

export function open(graph, options = {}) {
  return ort.InferenceSession.create(serialize(graph), { logSeverityLevel: 3, ...options })
}

/**
 * A transformer whose loss is the mean square of its last hidden states. All LoRA matrices are one flat input, and
 * with `backward` their gradient is one flat output. `weight(graph, name, dims)` makes the frozen matrices, random
 * inline ones by default. Returns the graph, a maker of its inputs, and the floating-point operations of its matrix
 * products: forward, and with the backward pass (which has none for frozen weights).
 */
export function loraTransformer({ config: sizes, tokens, backward, checkpointed = false, weight }) {
  const config = { words: 96, rank: 16, alpha: 32, epsilon: 1e-6, theta: 1e6, ...sizes }
  const graph = new Graph('transformer')
  const layout = parameterLayout(adapterShapes(config))
  const inputs = {
    ids: graph.input('ids', 'int64', [tokens]),
    positions: graph.input('positions', 'int64', [tokens]),
    mask: graph.input('mask', 'float32', [tokens, tokens]),
  }
  const adapter = sliceParameters(graph.input('adapter', 'float32', [layout.size]), layout)

  const frozen = new Map()
  let dense = 0
  for (const [name, dims] of frozenShapes(config)) {
    const matrix = dims.length === 2 && name !== 'embed_tokens'
    if (matrix) dense += 2 * tokens * size(dims)
    const data = () => graph.initializer(name, constant(dims, matrix ? 0.05 : 1))
    frozen.set(name, matrix && weight ? weight(graph, name, dims) : data())
  }

  const hidden = transformer(inputs, {
    config,
    frozen: (name) => found(frozen, name),
    adapter: (name) => found(adapter, name),
    checkpointed,
  })
  const loss = op.ReduceMean(op.Mul(hidden, hidden), undefined, { keepdims: 0 })
  if (backward) graph.output('gradient', flattenParameters(layout, grad(loss, [...adapter.values()])))
  graph.output('loss', op.Identity(loss))

  const attention = config.blocks * 4 * tokens * tokens * config.width
  const lora = 2 * tokens * layout.size
  // The first block's input is frozen: no gradient goes back through its q, k and v.
  const { width, rank, heads, kvHeads } = config
  const unneeded = 2 * tokens * (width * width * (1 + (2 * kvHeads) / heads) + 3 * rank * width)
  const range = BigInt64Array.from({ length: tokens }, (_, i) => BigInt(i))
  return {
    graph,
    feeds: () => ({
      ids: new ort.Tensor(
        'int64',
        range.map((i) => i % BigInt(config.words)),
        [tokens],
      ),
      positions: new ort.Tensor('int64', range, [tokens]),
      mask: feed([tokens, tokens], 1),
      adapter: feed([layout.size]),
    }),
    flops: { forward: dense + lora + attention, both: 2 * dense + 3 * (lora + attention) - unneeded },
  }
}
