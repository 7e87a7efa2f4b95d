/**
 * The first day with a GPU: pnpm bench:gpu [--device=cuda] [--dtype=bfloat16] [--shapes=3B,7B] [--iterations=3]
 *   [--checkpointed] [--folder=DIR] [--reference=PYTHON]
 *
 * First whether the device computes what the CPU does, on the tiny checkpoint: it ends there with exit code 1 if not. Then
 * the iteration of the recipe on models with random weights: an image of 896x896 pixels is encoded, a question and five
 * answers of exactly 128 tokens are sampled after about 1,300, the answers give one gradient (exact KL included) and one
 * AdamW step. Printed are seconds of each phase (medians, the first iteration left out), tokens per second, the share of
 * the device's peak, which a large product in the same process measures, and memory. Models are written once into
 * `--folder` (7B: 17 GB). `--reference` is an interpreter with torch and transformers, `python3` for one: the same iteration
 * as the published loop does it (published_iteration.py), on the same device and in the same type. Without a GPU:
 * pnpm bench:gpu --device=cpu --shapes=tiny
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Graph, op } from '@evolmm/onnx'
import { loadVlm } from '@evolmm/vlm'
import { readBackbone } from '../src/backbones/open-backbone.ts'
import { chooseDevice } from '../src/runtime/devices.ts'
import { openProgram } from '../src/runtime/session.ts'
import shapes from './gpu-shapes.json'
import { randomModel } from './random-model.mjs'
import { operations, timeIterations } from './recipe.mjs'

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'cuda' },
    dtype: { type: 'string' },
    shapes: { type: 'string', default: '3B,7B' },
    iterations: { type: 'string', default: '3' },
    checkpointed: { type: 'boolean', default: false },
    folder: { type: 'string', default: join(homedir(), '.cache/evolmm/bench') },
    reference: { type: 'string' },
    /** Shape and model, for the process that is measured. */
    measure: { type: 'string' },
    model: { type: 'string' },
  },
})
const { device } = options
const held = { cuda: 'bfloat16', webgpu: 'float32', cpu: 'float32' }
const dtype = options.dtype ?? held[device]
const tiny = resolve('packages/vlm/test/fixtures/qwen2_5_vl-tiny')
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

if (options.measure !== undefined) await measure(shapes[options.measure], options.model)
else {
  try {
    await main()
  } catch (error) {
    if (error.name !== 'EvolmmError') throw error
    console.error(`bench:gpu: ${error.message}`)
    process.exitCode = 2
  }
}

async function main() {
  const named = options.shapes.split(',')
  const unknown = named.find((name) => !(name in shapes))
  if (unknown !== undefined || !(device in held) || !(Number(options.iterations) >= 1)) {
    console.error(
      `bench:gpu: --shapes must be of ${Object.keys(shapes).join(', ')}, --device of ${Object.keys(held).join(', ')} ` +
        `and --iterations at least 1, got ${unknown ?? options.shapes}, ${device} and ${options.iterations}`,
    )
    process.exitCode = 2
    return
  }
  await chooseDevice({ device, dtype })
  if (!(await isCorrect())) {
    process.exitCode = 1
    return
  }
  for (const name of named) await report(name)
}

/** The tiny model on the device beside the CPU; half precision may be off by what its products lose. */
async function isCorrect() {
  const want = await tinyIteration({ device: 'cpu' })
  let correct = true
  for (const type of new Set(['float32', dtype])) {
    const got = await tinyIteration({ device, dtype: type })
    const limit = { float32: 1e-3, float16: 0.02, bfloat16: 0.16 }[type]
    console.log(`correctness on ${device} with weights in ${type}, relative to the CPU (at most ${limit})`)
    for (const part of ['features', 'scores', 'gradient']) {
      const apart =
        Math.hypot(...got[part].map((value, i) => value - want[part][i])) / Math.hypot(...want[part])
      correct &&= apart < limit
      console.log(`  ${part.padEnd(26)} ${apart.toExponential(1)}${apart < limit ? '' : '  WRONG'}`)
    }
    const same = `${got.greedy}` === `${want.greedy}`
    correct &&= same || type !== 'float32'
    console.log(`  ${'greedy tokens'.padEnd(26)} ${same ? 'the same' : 'others'}`)
  }
  return correct
}

async function tinyIteration(load) {
  const vlm = await loadVlm(tiny, { ...load, cacheDir: join(options.folder, 'weights') })
  const image = await vlm.encodeImage(join(tiny, 'images/img0.png'))
  const prompt = vlm.prompt({ images: [image], prompt: 'What is the tallest bar?' })
  const adapter = vlm.createAdapter({ rank: 4, alpha: 8 })
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.05 * Math.sin(i * i)
  const [[greedy]] = await vlm.sample({
    prompts: [prompt],
    adapter,
    temperature: 0,
    maxNewTokens: 8,
    stopTokens: [],
  })
  const completions = [{ ids: Int32Array.from([44, 300, 21, 603]) }]
  const { completions: scored } = await vlm.score({ groups: [{ prompt, completions }], adapter })
  const { gradient } = await vlm.gradient({ groups: [{ prompt, completions }], adapter, beta: 0.1 })
  await vlm.dispose()
  return {
    features: image.features.data,
    greedy: greedy.ids,
    scores: scored[0][0].logProbabilities,
    gradient,
  }
}

async function report(name) {
  const shape = shapes[name]
  const model = join(options.folder, `${name}-${dtype}`)
  if (!existsSync(join(model, 'config.json'))) {
    console.log(`writing random weights into ${model}`)
    mkdirSync(options.folder, { recursive: true })
    await randomModel(shape, { dtype, folder: model })
  }
  const args = [fileURLToPath(import.meta.url), `--measure=${name}`, `--model=${model}`, `--device=${device}`]
  if (options.checkpointed) args.push('--checkpointed')
  const { output, host, card } = await watched(process.execPath, [
    ...args,
    `--dtype=${dtype}`,
    `--iterations=${options.iterations}`,
  ])
  const { rows, peak, work, opened } = JSON.parse(output.trim().split('\n').at(-1))
  console.log(
    `${name} on ${device}, weights in ${dtype}${options.checkpointed ? ', checkpointed' : ''}: seconds`,
  )
  for (const phase of Object.keys(rows[0])) {
    const seconds = median(rows.map((row) => row[phase]))
    const share =
      phase in work ? `${((100 * work[phase]) / seconds / peak).toFixed(1).padStart(6)} % of the peak` : ''
    console.log(`  ${phase.padEnd(26)} ${seconds.toFixed(3).padStart(9)} ${share}`)
  }
  const sampling = median(rows.map((row) => row['sample a question'] + row['sample five answers']))
  const tokens = (1 + shape.samples) * shape.new_tokens
  console.log(
    `  ${(tokens / sampling).toFixed(0)} new tokens a second, ${opened.toFixed(1)} s for the first iteration`,
  )
  console.log(`  peak of a product ${(peak / 1e12).toFixed(2)} TFLOP/s`)
  const memory = card === undefined ? '' : `, ${(card / 1e3).toFixed(1)} GB on the card`
  console.log(`  memory ${(host / 1e3).toFixed(1)} GB of this machine${memory}`)
  if (options.reference !== undefined) await reference(name, shape, median(rows.map(({ total }) => total)))
}

async function reference(name, shape, ours) {
  // The bundle of this file is beside the script too.
  const published = fileURLToPath(new URL('./published_iteration.py', import.meta.url))
  const file = join(options.folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(shape))
  try {
    const { output, host } = await watched(options.reference, [
      published,
      file,
      options.iterations,
      device,
      dtype,
    ])
    const { rows, card } = JSON.parse(output.trim().split('\n').at(-1))
    console.log(`${name}, the published loop in PyTorch: seconds`)
    for (const phase of Object.keys(rows[0])) {
      const seconds = median(rows.map((row) => row[phase]))
      console.log(`  ${phase.padEnd(26)} ${seconds.toFixed(3).padStart(9)}`)
    }
    const memory = card === null ? '' : `, ${(card / 1e9).toFixed(1)} GB on the card`
    console.log(`  memory ${(host / 1e3).toFixed(1)} GB of this machine${memory}`)
    console.log(`  ${(median(rows.map(({ total }) => total)) / ours).toFixed(1)}x as long as ours`)
  } finally {
    rmSync(file)
  }
}

/** Output of a command, and the largest memory in MB of it and of what it started, here and on the card. */
function watched(command, args, settings = {}) {
  return new Promise((settle, refuse) => {
    let [host, card] = [0, undefined]
    const child = execFile(command, args, { maxBuffer: 1e8, ...settings }, (error, output) => {
      clearInterval(timer)
      if (error) refuse(error)
      else settle({ output, host, card })
    })
    const below = (pid) => {
      try {
        const [, peak = 0] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
        host = Math.max(host, Number(peak) / 1e3)
        for (const other of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' '))
          if (other.trim() !== '') below(other.trim())
      } catch {
        // It has ended, or this is no Linux.
      }
    }
    const timer = setInterval(() => {
      below(child.pid)
      if (device !== 'cuda') return
      const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', '--id=0']
      card = Math.max(card ?? 0, 1.048576 * Number(execFileSync('nvidia-smi', query, { encoding: 'utf8' })))
    }, 200)
  })
}

/** What runs in the measured process. */
async function measure(shape, folder) {
  const before = await productPeak()
  const vlm = await loadVlm(folder, { device, dtype })
  const { checkpointed, iterations } = options
  const timed = await timeIterations(vlm, { shape, count: Number(iterations), checkpointed })
  await vlm.dispose()
  const peak = Math.max(before, await productPeak())
  const work = operations(await readBackbone(folder), shape)
  const seconds = (row) => Object.fromEntries(Object.entries(row).map(([name, ms]) => [name, ms / 1000]))
  const { rows, first } = { rows: timed.rows.map(seconds), first: seconds(timed.first) }
  console.log(JSON.stringify({ rows, peak, work, opened: first.total }))
}

/** Operations a second of large products one after the other, which stay on the device: the slope of two lengths. */
async function productPeak() {
  const side = options.measure === 'tiny' ? 512 : device === 'cpu' ? 1024 : 8192
  const { providers } = await chooseDevice({ device })
  const timed = async (products) => {
    const graph = new Graph('product', { opset: 18 })
    const seed = graph.input('seed', 'float32', [side, 1])
    const square = op.Cast(op.Mul(seed, op.Transpose(seed, { perm: [1, 0] })), { to: dtype })
    let x = square
    for (let i = 0; i < products; i++) x = op.Gemm(x, square)
    graph.output('y', op.ReduceSum(op.Cast(x, { to: 'float32' }), undefined, { keepdims: 0 }))
    const { run, release } = await openProgram(graph, { folder: tmpdir(), providers })
    const data = Float32Array.from({ length: side }, (_, i) => Math.sin(i) / Math.sqrt(side))
    const times = []
    for (let i = 0; i < 5; i++) {
      const start = performance.now()
      await run({ seed: { dtype: 'float32', dims: [side, 1], data } })
      times.push(performance.now() - start)
    }
    await release()
    return Math.min(...times.slice(1)) / 1000
  }
  const [few, many] = device === 'cpu' ? [2, 6] : [4, 24]
  return ((many - few) * 2 * side ** 3) / ((await timed(many)) - (await timed(few)))
}
