/**
 * Weights in four bits: pnpm bench:qlora [--part=decode|train] [--rounds=3] [--shape=3B] [--keep=FOLDER] [--checkpointed]
 *
 * 1. decode: tokens a second of a sampler with float32 and with 4-bit weights, for one and for five answers, on random
 *    models of 38 and of 340 million parameters. Both sides in turn, in one process each round; the ratios count.
 * 2. train: a checkpoint of the published 3B shape with random weights in bfloat16 is written (7.5 GB in the folder for
 *    temporary files, deleted afterwards), quantized, and one iteration is run on it on the CPU: an image is encoded,
 *    three answers of 16 tokens are sampled, and give one gradient (exact KL, rank 16 on seven projections) and one
 *    AdamW step. With `--checkpointed` blocks are computed anew in the backward pass. Every phase says its time and the peak of resident memory up to there, as the
 *    kernel counts it: mapped weights included. `--keep` keeps the checkpoint and its twins in a folder, or finds them.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AdamW } from '@evolmm/rl-core'
import { loadVlm } from '@evolmm/vlm'
import ndarray from 'ndarray'
import { publishedConfigs } from '../src/backbones/qwen2_5_vl/published-configs.ts'
import { qwen25Backbone } from '../src/backbones/qwen2_5_vl/qwen2_5_vl.ts'
import { writeCheckpoint } from '../src/checkpoint/write-checkpoint.ts'
import small from './bench-small.json'
import qlora from './qlora.json'
import { randomModel } from './random-model.mjs'

const { values: options } = parseArgs({
  options: {
    part: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    shape: { type: 'string', default: '3B' },
    keep: { type: 'string' },
    checkpointed: { type: 'boolean', default: false },
    /** The checkpoint, for the process that is measured. */
    run: { type: 'string' },
    cache: { type: 'string' },
  },
})
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`

if (options.run !== undefined) await iteration(options.run, options.cache)
else {
  if (options.part !== 'train') await decode()
  if (options.part !== 'decode') await train()
}

async function decode() {
  for (const [label, shape] of Object.entries({ '38 million': small, '340 million': qlora.decode.larger })) {
    const { folder } = await randomModel(shape)
    const cacheDir = join(folder, '..', 'cache')
    for (const samples of qlora.decode.samples) {
      const rates = { float32: [], int4: [] }
      for (let round = 0; round < Number(options.rounds); round++)
        for (const [name, quantize] of Object.entries({ float32: undefined, int4: 'int4' })) {
          const vlm = await loadVlm(folder, { quantize, cacheDir })
          rates[name].push(await decodingRate(vlm, samples))
          await vlm.dispose()
        }
      const [whole, quantized] = [median(rates.float32), median(rates.int4)]
      console.log(
        `${label} parameters, ${samples} ${samples === 1 ? 'answer' : 'answers'} at a time: float32 ${whole.toFixed(0)}, ` +
          `int4 ${quantized.toFixed(0)} tokens/s, ratio ${(quantized / whole).toFixed(2)}`,
      )
    }
    rmSync(join(folder, '..'), { recursive: true })
  }
}

/** Tokens a second, without the reading of the prompt: the best of some runs. */
async function decodingRate(vlm, samples) {
  const { tokens } = qlora.decode
  const prompt = vlm.prompt({ prompt: 'What does this show?' })
  const time = async (maxNewTokens) => {
    const start = performance.now()
    await vlm.sample({ prompts: [prompt], samples, maxNewTokens, stopTokens: [] })
    return performance.now() - start
  }
  await time(4)
  let best = Infinity
  for (let i = 0; i < 3; i++) best = Math.min(best, (await time(4 + tokens)) - (await time(4)))
  return (tokens * samples * 1000) / best
}

async function train() {
  const root =
    options.keep === undefined ? mkdtempSync(join(tmpdir(), 'evolmm-qlora-')) : resolve(options.keep)
  const [folder, cache] = [join(root, 'model'), join(root, 'cache')]
  try {
    mkdirSync(root, { recursive: true })
    if (!existsSync(join(folder, 'config.json'))) {
      const start = performance.now()
      await randomCheckpoint(folder)
      console.log(`random checkpoint of the ${options.shape} shape, bfloat16: ${seconds(start)} s`)
    }
    const file = fileURLToPath(import.meta.url)
    const flags = [`--run=${folder}`, `--cache=${cache}`, ...(options.checkpointed ? ['--checkpointed'] : [])]
    execFileSync(process.execPath, [file, ...flags], {
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  } finally {
    if (options.keep === undefined) rmSync(root, { recursive: true })
  }
}

/** Normal weights, drawn once and begun at another place for each tensor: they only need to be different. */
async function randomCheckpoint(folder) {
  const tokens = { imageToken: 613, videoToken: 614, visionStartToken: 610, visionEndToken: 611 }
  const model = qwen25Backbone({ ...publishedConfigs[options.shape], ...tokens })
  const pool = new Float32Array(2 ** 22 + 1)
  let state = 1
  const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 1) / 2 ** 32
  for (let i = 0; i < pool.length; i++)
    pool[i] = 0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  let begin = 0
  const weights = [...model.weights].map(([name, shape]) => {
    const count = shape.reduce((product, dim) => product * dim, 1)
    begin = (begin + 7919) % 2 ** 20
    const from = begin
    const values = function* () {
      if (shape.length === 1) yield new Float32Array(count).fill(name.endsWith('.bias') ? 0 : 1)
      else
        for (let at = 0, start = from; at < count; at += pool.length - start, start = 0)
          yield pool.subarray(start, start + Math.min(pool.length - start, count - at))
    }
    return { name, shape, values }
  })
  const sourceFolder = resolve('packages/vlm/test/fixtures/qwen2_5_vl-tiny')
  await writeCheckpoint(folder, { model, weights, dtype: 'bfloat16', sourceFolder })
}

/** One iteration, in a process of its own whose memory is measured. */
async function iteration(folder, cacheDir) {
  let start = performance.now()
  const lap = (what) => {
    const [peak, anonymous, mapped] = ['VmHWM', 'RssAnon', 'RssFile'].map(resident)
    const now = `now ${gigabytes(anonymous)} of its own and ${gigabytes(mapped)} of mapped files`
    console.log(`  ${what.padEnd(30)} ${seconds(start).padStart(6)} s, peak ${gigabytes(peak)}; ${now}`)
    start = performance.now()
  }
  const vlm = await loadVlm(folder, {
    quantize: 'int4',
    cacheDir,
    memoryLimit: 1e15,
    onWiden: ({ bytes }) => console.log(`  float32 twin of the rest: ${gigabytes(bytes)}`),
    onQuantize: ({ bytes }) => console.log(`  4-bit twin: ${gigabytes(bytes)}`),
  })
  lap('load')
  const files = readdirSync(cacheDir).map((name) => gigabytes(statSync(join(cacheDir, name)).size))
  console.log(`  twins: ${files.join(', ')}`)
  const {
    image: size,
    rank,
    alpha,
    targets,
    samples,
    new_tokens: maxNewTokens,
    advantages,
    beta,
    lr,
  } = qlora.train
  const adapter = vlm.createAdapter({ rank, alpha, targets, seed: 1 })
  const optimizer = new AdamW({ size: adapter.parameters.length, lr, clip: 1 })
  const { width, height } = size
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => Math.imul(i, 2654435761) >>> 24)
  const image = await vlm.encodeImage(ndarray(data, [height, width, 3]))
  lap('encode')
  const prompt = vlm.prompt({ images: [image], prompt: 'What does this show?' })
  const settings = { prompts: [prompt], adapter, samples, maxNewTokens, stopTokens: [], seeds: [7] }
  const [completions] = await vlm.sample(settings)
  lap('sample, opened first')
  const groups = [{ prompt, completions, advantages }]
  const { checkpointed } = options
  const { gradient, loss, kl, samplerGap } = await vlm.gradient({ groups, adapter, beta, checkpointed })
  lap('gradient, opened first')
  const before = adapter.parameters.slice()
  optimizer.step(adapter.parameters, gradient)
  lap('AdamW')
  const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0))
  const moved = adapter.parameters.filter((value, i) => value !== before[i]).length
  console.log(
    `  ${prompt.ids.length} prompt tokens, ${adapter.parameters.length} trained parameters (${moved} moved), loss ${loss}, ` +
      `kl ${kl}, gap to the sampler ${samplerGap}, norm of the gradient ${norm}`,
  )
  await vlm.dispose()
}

function seconds(start) {
  return ((performance.now() - start) / 1000).toFixed(1)
}

/** A figure of this process in bytes; peaks are kept by the kernel. */
function resident(field) {
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}
