/**
 * One EvoLMM iteration on a random model of 38 million parameters: pnpm bench:vlm [--rounds=2] [--reference=FOLDER]
 *
 * An image of 768 patches is encoded, one question is sampled, five answers of exactly 48 tokens are sampled, and the
 * answers give one gradient (exact KL included) and one AdamW step. With `--reference` (a folder with `run.sh`,
 * `bench_iteration.py` and `bench-small.json`: the published loop in PyTorch) both sides run in turn, each in a process
 * of its own, and the ratios are printed. Times are medians over all iterations but the first of each process.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Graph, op, serialize } from '@evolmm/onnx'
import { loadVlm } from '@evolmm/vlm'
import ort from 'onnxruntime-node'
import { readBackbone } from '../src/backbones/open-backbone.ts'
import { randomModel } from './random-model.mjs'
import { operations, timeIterations } from './recipe.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    iterations: { type: 'string', default: '6' },
    reference: { type: 'string' },
    /** The random model, for the process that is measured. */
    ours: { type: 'string' },
  },
})
const shape = JSON.parse(readFileSync(new URL('./bench-small.json', import.meta.url), 'utf8'))
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const peakMemory = (pid) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

if (options.ours !== undefined) await ours(options.ours, Number(options.iterations))
else await compare()

async function compare() {
  const { folder: model } = await randomModel(shape)
  const own = []
  const published = []
  for (let round = 0; round < Number(options.rounds); round++) {
    own.push(
      await run(process.execPath, [
        fileURLToPath(import.meta.url),
        `--ours=${model}`,
        `--iterations=${options.iterations}`,
      ]),
    )
    if (options.reference === undefined) continue
    const folder = resolve(options.reference)
    for (const name of ['run.sh', 'bench_iteration.py', 'bench-small.json'])
      if (!existsSync(join(folder, name))) throw new Error(`--reference: must hold ${name}, got ${folder}`)
    const args = ['run.sh', 'bench_iteration.py', '/script/bench-small.json', '2']
    published.push(await run('bash', args, { cwd: folder, env: { ...process.env, OMP_NUM_THREADS: '1' } }))
  }

  rmSync(model, { recursive: true })
  const results = own.map(({ output }) => JSON.parse(output.trim().split('\n').at(-1)))
  const times = results.flatMap(({ rows }) => rows)
  console.log('evolmm, milliseconds')
  for (const phase of Object.keys(times[0]))
    console.log(
      `  ${phase.padEnd(26)} ${median(times.map((row) => row[phase]))
        .toFixed(0)
        .padStart(6)}`,
    )
  const total = median(times.map((row) => row.total))
  const share = median(
    results.map(({ peak, work, rows }) => work / 1e6 / median(rows.map((row) => row.total)) / peak),
  )
  const memory = Math.max(...own.map(({ memory: peak }) => peak))
  console.log(
    `  products run at ${(100 * share).toFixed(0)} % of the peak of this run; peak memory ${memory.toFixed(0)} MB`,
  )
  if (published.length === 0) return
  const rows = published.flatMap(({ output }) => JSON.parse(output.trim().split('\n').at(-1)).rows)
  console.log('published loop (PyTorch, one thread), milliseconds')
  for (const phase of Object.keys(rows[0]))
    console.log(
      `  ${phase.padEnd(26)} ${(1000 * median(rows.map((row) => row[phase]))).toFixed(0).padStart(6)}`,
    )
  const theirs = 1000 * median(rows.map((row) => row.total))
  const theirMemory = Math.max(...published.map(({ memory: peak }) => peak))
  console.log(`  peak memory ${theirMemory.toFixed(0)} MB`)
  console.log(`${(theirs / total).toFixed(1)}x as fast, ${(memory / theirMemory).toFixed(2)} of the memory`)
}

/** Output of a command, and the largest peak memory of any process below it. */
function run(command, args, settings = {}) {
  return new Promise((settle, refuse) => {
    let memory = 0
    const child = execFile(command, args, { maxBuffer: 1e8, ...settings }, (error, output) => {
      clearInterval(timer)
      if (error) refuse(error)
      else settle({ output, memory })
    })
    const watch = (pid) => {
      try {
        memory = Math.max(memory, peakMemory(pid))
        for (const below of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' '))
          if (below.trim() !== '') watch(below.trim())
      } catch {
        // It has ended.
      }
    }
    const timer = setInterval(() => watch(child.pid), 100)
  })
}

async function ours(folder, iterations) {
  const backbone = await readBackbone(folder)
  const before = await productPeak()
  const vlm = await loadVlm(folder)
  const { rows } = await timeIterations(vlm, { shape, count: iterations })
  await vlm.dispose()
  console.log(
    JSON.stringify({ rows, peak: Math.max(before, await productPeak()), work: operations(backbone, shape) }),
  )
}

/** GFLOP/s of a large matrix product, the best of some. */
async function productPeak() {
  const [rows, inner, columns] = [512, 2048, 2048]
  const graph = new Graph('product')
  const x = graph.input('x', 'float32', [rows, inner])
  const bytes = new Uint8Array(Float32Array.from({ length: inner * columns }, (_, i) => Math.sin(i)).buffer)
  const weight = graph.initializer('weight', { dtype: 'float32', dims: [columns, inner], bytes })
  graph.output('y', op.Gemm(x, weight, undefined, { transB: 1 }))
  const session = await ort.InferenceSession.create(serialize(graph))
  const feeds = { x: new ort.Tensor('float32', new Float32Array(rows * inner).fill(0.5), [rows, inner]) }
  const times = []
  for (let i = 0; i < 20; i++) {
    const start = performance.now()
    await session.run(feeds)
    times.push(performance.now() - start)
  }
  return (2 * rows * inner * columns) / 1e6 / Math.min(...times)
}
