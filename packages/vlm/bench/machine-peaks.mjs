/** What a machine can do at most, measured in the process, and by the clock, whose times are compared with it. */
import { Graph, op, serialize } from '@evolmm/onnx'
import ort from 'onnxruntime-node'

/** GFLOP/s of a large matrix product, the best of some. */
export async function productPeak(by) {
  const [rows, inner, columns] = [512, 2048, 2048]
  const best = await bestProduct([rows, inner, columns], by)
  return (2 * rows * inner * columns) / 1e6 / best
}

/** GB/s at which one row is multiplied with a matrix that no cache holds, or bytes are searched, whichever is faster. */
export async function readingPeak(by) {
  const [inner, columns] = [4096, 8192]
  const product = (4 * inner * columns) / 1e6 / (await bestProduct([1, inner, columns], by))
  const bytes = Buffer.alloc(2 ** 27, 1)
  const search = bytes.length / 1e6 / (await best(() => bytes.indexOf(2), by.now))
  return Math.max(product, search)
}

async function bestProduct([rows, inner, columns], { now, threads }) {
  const graph = new Graph('product')
  const x = graph.input('x', 'float32', [rows, inner])
  const values = new Float32Array(inner * columns).map((_, i) => (i % 1013) / 1013 - 0.5)
  const bytes = new Uint8Array(values.buffer)
  const weight = graph.initializer('weight', { dtype: 'float32', dims: [inner, columns], bytes })
  graph.output('y', op.Gemm(x, weight))
  const session = await ort.InferenceSession.create(
    serialize(graph),
    threads && { intraOpNumThreads: threads },
  )
  const feeds = { x: new ort.Tensor('float32', new Float32Array(rows * inner).fill(0.5), [rows, inner]) }
  const milliseconds = await best(() => session.run(feeds), now)
  await session.release()
  return milliseconds
}

/** The least milliseconds of some calls. */
async function best(work, now) {
  let least = Infinity
  for (let i = 0; i < 20; i++) {
    const start = now()
    await work()
    least = Math.min(least, now() - start)
  }
  return least
}
