/** The time that a graph of 20,000 nodes takes to build, write and read: `pnpm bench:onnx-serialize`. */
import { Graph, op, parse, serialize } from '@evolmm/onnx'
import shapes from './shapes.json'

const { nodes } = shapes.serialize

function build() {
  const graph = new Graph('long')
  const weight = graph.initializer('w', { dtype: 'float32', dims: [64], bytes: new Uint8Array(256) })
  let x = graph.input('x', 'float32', ['n', 64])
  for (let i = 0; i < nodes; i++) x = i % 2 === 0 ? op.Mul(x, weight) : op.Tanh(x)
  graph.output('y', x)
  return graph
}

function timed(action) {
  const start = performance.now()
  const result = action()
  return [result, performance.now() - start]
}

const show = (milliseconds) => `${milliseconds.toFixed(0).padStart(5)} ms`
for (const run of ['first', 'second', 'third']) {
  const [graph, building] = timed(build)
  const [bytes, writing] = timed(() => serialize(graph))
  const [, reading] = timed(() => parse(bytes))
  const size = (bytes.length / 1e6).toFixed(2)
  console.log(
    `${run.padEnd(6)} ${nodes} nodes, ${size} MB: build ${show(building)}, serialize ${show(writing)}, parse ${show(reading)}`,
  )
}
