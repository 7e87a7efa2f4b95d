/** What the benchmarks share: a transformer with LoRA as a graph, inputs for it, and medians. */
import { Graph, grad, op, serialize } from '@evolmm/onnx'
import ort from 'onnxruntime-node'
import { transformer } from './transformer.mjs'

/** Deterministic numbers in [-scale, scale]. */
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
 * A transformer whose loss is the mean square of its last hidden states, with the gradients of all LoRA matrices when
 * `backward` is set. `weight` makes frozen weights (random inline ones by default). Returns the graph, its feeds, and
 * the floating-point operations of its matrix products: forward, and with the backward pass.
 */
export function loraTransformer({ config, tokens, rank = 16, backward, checkpointed = false, weight }) {
  const graph = new Graph('transformer')
  const head = config.width / config.heads
  const fed = { x: [[tokens, config.width], 1] }
  const x = graph.input('x', 'float32', [tokens, config.width])
  const rotary = (name) => graph.initializer(name, constant([1, tokens, head], 1))
  const frozen = weight ?? ((name, dims) => graph.initializer(name, constant(dims)))
  const wrt = []
  let [dense, lora] = [0, 0]
  const trainable = (name, dims) => {
    const tensor = graph.input(name, 'float32', dims)
    fed[name] = [dims]
    wrt.push(tensor)
    return tensor
  }
  const hidden = transformer({
    x,
    cos: rotary('cos'),
    sin: rotary('sin'),
    mask: graph.initializer('mask', constant([1, tokens, tokens], 1)),
    config,
    checkpointed,
    weight: memo((name, dims) => {
      dense += 2 * tokens * size(dims)
      return frozen(name, dims, graph)
    }),
    vector: memo((name, dims) => graph.initializer(name, constant(dims, 1))),
    adapter: memo((name, inFeatures, outFeatures) => {
      lora += 2 * tokens * rank * (inFeatures + outFeatures)
      return { a: trainable(`${name}.a`, [rank, inFeatures]), b: trainable(`${name}.b`, [outFeatures, rank]) }
    }),
  })
  const loss = op.ReduceMean(op.Mul(hidden, hidden), undefined, { keepdims: 0 })
  if (backward) grad(loss, wrt).forEach((gradient, i) => graph.output(`gradient_${i}`, op.Identity(gradient)))
  graph.output('loss', op.Identity(loss))
  const attention = config.blocks * 4 * config.heads * tokens * tokens * head
  return {
    graph,
    /** Random values for all inputs; made on demand, since at 7B shape they take longer than the graph. */
    feeds: () =>
      Object.fromEntries(Object.entries(fed).map(([name, [dims, scale]]) => [name, feed(dims, scale)])),
    flops: { forward: dense + lora + attention, both: 2 * dense + 3 * (lora + attention) },
  }
}

/** A checkpointed block is built twice: the second time it must get the same tensors. */
function memo(make) {
  const made = new Map()
  return (name, ...rest) => {
    if (!made.has(name)) made.set(name, make(name, ...rest))
    return made.get(name)
  }
}
