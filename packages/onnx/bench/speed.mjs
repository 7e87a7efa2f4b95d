/**
 * The share of the machine that programs use: pnpm bench:onnx
 *
 * 1. The matrix-product peak of ONNX Runtime here, in float32.
 * 2. Forward, and forward with backward, of a 4-block transformer (width 512, 512 tokens, LoRA on all projections)
 *    as a share of that peak, both measured in turn in this run.
 * 3. Building, and opening, the forward-and-backward graph of 28 blocks at 7B shape; its weights are a sparse file.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Graph, op, serialize } from '@evolmm/onnx'
import { speed } from './shapes.json'
import { constant, feed, loraTransformer, median, open, timeRuns } from './support.mjs'

const rounds = 5

async function product(rows, inner, columns) {
  const graph = new Graph('product')
  const x = graph.input('x', 'float32', [rows, inner])
  graph.output('y', op.Gemm(x, graph.initializer('w', constant([columns, inner])), undefined, { transB: 1 }))
  const session = await open(graph)
  return async () =>
    (2 * rows * inner * columns) / 1e6 / (await timeRuns(session, { x: feed([rows, inner]) }, 9))
}

async function model(backward) {
  const { graph, feeds, flops } = loraTransformer({
    config: speed.transformer,
    tokens: speed.tokens,
    backward,
  })
  const session = await open(graph)
  const values = feeds()
  const work = backward ? flops.both : flops.forward
  return async () => work / 1e6 / (await timeRuns(session, values, 5))
}

const measured = {}
for (const sides of speed.products) measured[`product ${sides.join(' x ')}`] = await product(...sides)
measured['transformer forward'] = await model(false)
measured['transformer forward and backward'] = await model(true)
const rates = Object.fromEntries(Object.keys(measured).map((name) => [name, []]))
for (let round = 0; round < rounds; round++)
  for (const [name, measure] of Object.entries(measured)) rates[name].push(await measure())

const medians = Object.entries(rates).map(([name, values]) => [name, median(values)])
const peak = Math.max(...medians.filter(([name]) => name.startsWith('product')).map(([, rate]) => rate))
for (const [name, rate] of medians) {
  console.log(
    `${name.padEnd(36)} ${rate.toFixed(0).padStart(5)} GFLOP/s  ${((100 * rate) / peak).toFixed(0).padStart(3)} % of peak`,
  )
}

const folder = mkdtempSync(join(tmpdir(), 'weights-'))
try {
  const file = openSync(join(folder, 'weights.bin'), 'w')
  let offset = 0
  const start = performance.now()
  const { graph: large } = loraTransformer({
    config: speed['7B'],
    tokens: speed.tokens,
    backward: true,
    weight(graph, name, dims) {
      const length = 4 * dims[0] * dims[1]
      offset += length
      return graph.initializer(name, {
        dtype: 'float32',
        dims,
        location: 'weights.bin',
        offset: offset - length,
        length,
      })
    },
  })
  const bytes = serialize(large)
  const built = performance.now()
  ftruncateSync(file, offset)
  closeSync(file)
  await open(large, {
    // With memory patterns the runtime asks for one block as large as all weights, although it maps them.
    enableMemPattern: false,
    extra: { session: { model_external_initializers_file_folder_path: folder, disable_prepacking: '1' } },
  })
  const opened = performance.now()
  console.log(
    `\n7B shape, ${large.body.nodes.length} nodes, ${(offset / 1e9).toFixed(1)} GB of weights: ` +
      `built in ${((built - start) / 1e3).toFixed(2)} s (${(bytes.length / 1e6).toFixed(1)} MB), ` +
      `opened in ${((opened - built) / 1e3).toFixed(1)} s`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
