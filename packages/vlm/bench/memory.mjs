/**
 * Estimated memory beside the peak that the kernel measured: pnpm bench:memory [MODEL...] [--device=webgpu]
 *
 * Each case of `memory-cases.json` runs in a process of its own, on models with random weights. The constants were fitted to
 * the small and the tiny one; the wide one, of other proportions (no grouped queries, a wide vocabulary, few layers), checks
 * them. It fails when an estimate is more than a quarter off. Linux only.
 *
 * On WebGPU with a software driver, whose memory is that of the process, programs run in one session, and once more in
 * sessions of their own. It fails when the estimate of one session is more than a tenth off.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { externalData } from '@evolmm/onnx'
import ndarray from 'ndarray'
import { prepareWebGpu } from '../../internal/testing/webgpu'
import { createAdapter } from '../src/adapter/create-adapter'
import { fullWeights } from '../src/adapter/full-weights'
import { gridLayout } from '../src/backbones/parts/patch-grid'
import { qwen25Backbone } from '../src/backbones/qwen2_5_vl/qwen2_5_vl'
import { initializeWeights } from '../src/checkpoint/initialize-weights'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { writeCheckpoint } from '../src/checkpoint/write-checkpoint'
import { encodeProgram } from '../src/programs/encode-program'
import { learnProgram } from '../src/programs/learn-program'
import { packGroups } from '../src/programs/pack-groups'
import { sampleProgram } from '../src/programs/sample-program'
import { quantizedCheckpoint } from '../src/checkpoint/quantized-checkpoint'
import { quantizable } from '../src/programs/quantizable'
import { jointTable } from '../src/runtime/joint-table'
import { estimateMemory } from '../src/runtime/memory-estimate'
import { programTable } from '../src/runtime/program-table'
import { cases, deviceCases, deviceModels, models } from './memory-cases.json'

const square = (patches) => {
  let height = 2 * Math.floor(Math.sqrt(patches) / 2)
  while (patches % height !== 0 || (patches / height) % 2 !== 0) height -= 2
  return [1, height, patches / height]
}

/** What runs in the measured process. */
async function run({ folder, model, programs, device = 'cpu', joint = false, ...options }) {
  const backbone = qwen25Backbone((device === 'cpu' ? models : deviceModels)[model])
  const { vision } = backbone
  const { groups, promptTokens, completionTokens, samples, imagePatches = [] } = options
  const { checkpointed = false, chunk, kl = false, trained, trainVision = false } = options
  const checkpoint = await openCheckpoint(folder, backbone)
  const files = await weightFiles(checkpoint, { folder, backbone, device, quantize: options.quantize })
  const adapter =
    trained === 'full'
      ? await fullWeights(backbone, checkpoint)
      : createAdapter(backbone, { rank: 16, vision: trainVision })
  const { trainable, parameters } = adapter
  const graphs = {
    encode: () => encodeProgram({ vision, files, one: imagePatches.length === 1 }),
    sample: () => sampleProgram({ backbone, files, trainable, promptTokens }),
    learn: () =>
      learnProgram({
        backbone,
        files,
        trainable,
        gradient: true,
        kl,
        checkpointed,
        chunk,
        pixels: trainVision,
        promptTokens,
      }),
    score: () => learnProgram({ backbone, files, trainable, gradient: false, kl, chunk, promptTokens }),
  }
  const float = (data, dims = [data.length]) => ({ dtype: 'float32', dims, data })
  const long = (values, dims = [values.length]) => ({
    dtype: 'int64',
    dims,
    data: BigInt64Array.from(values, BigInt),
  })
  const ids = Int32Array.from({ length: promptTokens }, (_, i) => 10 + ((i * 7) % 600))
  const positions = Int32Array.from({ length: 3 * promptTokens }, (_, i) => i % promptTokens)
  const completion = { ids: Int32Array.from({ length: completionTokens }, (_, i) => 10 + ((i * 11) % 600)) }
  const prompt = { ids, positions, delta: 0, imageSpans: [] }
  const packed = (count) => {
    const completions = Array.from({ length: count }, () => completion)
    return packGroups(Array.from({ length: groups }, () => ({ prompt, completions })))
  }
  const scored = groups * samples * completionTokens
  const rows = groups * samples
  const pixels = () =>
    vision.feeds([
      imagePatches.map((count) => ({
        ...gridLayout(square(count), { patchSize: 14, mergeSize: 2 }),
        pixels: ndarray(
          new Float32Array(count * vision.shape.patchSize).map((_, i) => Math.sin(i)),
          [count, vision.shape.patchSize],
        ),
      })),
    ])
  // With trained vision the first tokens of the first prompt are of the image.
  const tokens = trainVision ? imagePatches[0] / vision.shape.patchesPerToken : 0
  const features = float(new Float32Array(tokens * vision.featureSize), [tokens, vision.featureSize])
  const imageRows = long(Array.from({ length: tokens }, (_, i) => i))
  const given = { features, feature_rows: imageRows, parameters: float(parameters) }
  const inputs = {
    encode: pixels,
    sample: () => ({
      ...packed(0).feeds,
      ...given,
      last_rows: long(Array.from({ length: groups }, (_, g) => (g + 1) * promptTokens - 1)),
      starts: long(Array.from({ length: groups }, () => promptTokens)),
      owners: long(Array.from({ length: rows }, (_, i) => Math.floor(i / samples))),
      uniforms: {
        dtype: 'float64',
        dims: [rows, completionTokens],
        data: Float64Array.from({ length: rows * completionTokens }, (_, i) => (i * 0.6180339887) % 1),
      },
      temperature: float(Float32Array.of(1), []),
      top_p: float(Float32Array.of(1), []),
      top_k: long([0], []),
      stop_tokens: long([0]),
    }),
    learn: () => ({
      ...packed(samples).feeds,
      ...given,
      ...(trainVision ? pixels() : {}),
      weights: float(new Float32Array(scored).fill(1 / scored)),
      kl_weights: float(new Float32Array(scored).fill(1e-3 / scored)),
    }),
  }
  inputs.score = inputs.learn
  const opened = []
  const table = joint ? jointTable : programTable
  const providers = device === 'cpu' ? ['cpu'] : [device, 'cpu']
  const { get } = table({ folder: files.folder, threads: 2, providers })
  for (const name of programs) {
    // As the package opens them.
    const program = await get(name, graphs[name], { prepack: name === 'sample' })
    opened.push([program, inputs[name]()])
  }
  // What is opened when it first runs.
  if (joint) await opened[0][0].run(opened[0][1])
  globalThis.gc()
  writeFileSync('/proc/self/clear_refs', '5') // forget the peak of opening the sessions
  const before = resident('RssAnon')
  for (let i = 0; i < 2; i++) for (const [program, values] of opened) await program.run(values)
  return { peak: resident('VmHWM'), opened: before, trainable: parameters.length }
}

async function weightFiles({ tensors }, { folder, backbone, device, quantize }) {
  const names = quantize === undefined ? [] : quantizable(backbone)
  const quantized =
    names.length === 0 ? [] : await quantizedCheckpoint({ tensors }, names, { cacheDir: `${folder}-int4` })
  const others = [...tensors.values()].filter(({ name }) => !names.includes(name))
  return {
    ...(await externalData([...others, ...quantized])),
    quantized: device === 'cpu' ? 'dequantized' : 'packed',
    loops: device === 'webgpu' ? 'attention' : 'all',
  }
}

/** A figure of this process in bytes; peaks are kept by the kernel. */
function resident(field) {
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

function measure(options) {
  const file = fileURLToPath(import.meta.url)
  return JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', file, 'run', JSON.stringify(options)], {
      encoding: 'utf8',
    }),
  )
}

if (process.argv[2] === 'run') console.log(JSON.stringify(await run(JSON.parse(process.argv[3]))))
else {
  const { values, positionals: only } = parseArgs({
    options: { device: { type: 'string', default: 'cpu' } },
    allowPositionals: true,
  })
  const { device } = values
  const missing =
    device === 'cpu' ? undefined : device === 'webgpu' ? prepareWebGpu() : 'cpu and webgpu alone'
  if (missing !== undefined) throw new Error(`--device ${device}: ${missing}`)
  const root = mkdtempSync(join(tmpdir(), 'evolmm-memory-'))
  let failed = false
  for (const [model, config] of Object.entries(device === 'cpu' ? models : deviceModels)) {
    if (only.length > 0 && !only.includes(model)) continue
    const folder = join(root, model)
    const backbone = qwen25Backbone(config)
    await writeCheckpoint(folder, { model: backbone, weights: initializeWeights(backbone, { seed: 1 }) })
    for (const options of device === 'cpu' ? cases : deviceCases[model]) {
      console.log(model, JSON.stringify(options))
      failed = !compare({ folder, model, device, ...options }, backbone) || failed
    }
    rmSync(folder, { recursive: true })
    rmSync(`${folder}-int4`, { recursive: true, force: true })
  }
  rmSync(root, { recursive: true })
  process.exit(failed ? 1 : 0)
}

/** Returns true if the estimate is near what is measured; both are printed. */
function compare({ folder, model, trained, ...options }, backbone) {
  const joint = options.device !== 'cpu'
  const measured = measure({ folder, model, trained, ...options, joint })
  const { total, parts } = estimateMemory({
    backbone,
    ...options,
    kl: options.kl ?? false,
    trainable: options.programs.join() === 'encode' ? 0 : measured.trainable,
    trainedWeights: trained === 'full' ? measured.trainable : 0,
  })
  const ratio = total / measured.peak
  const mb = (bytes) => (bytes / 1e6).toFixed(0).padStart(5)
  console.log(`  measured ${mb(measured.peak)} MB, estimated ${mb(total)} MB, ratio ${ratio.toFixed(2)}`)
  if (joint) {
    const apart = measure({ folder, model, trained, ...options, joint: false })
    const opened = `${mb(measured.opened)} MB in one session, ${mb(apart.opened)} MB in several`
    console.log(`  ${mb(apart.peak)} MB in sessions of their own; private once open: ${opened}`)
  }
  const taken = Object.entries(parts).filter(([, bytes]) => bytes > 0)
  console.log(`  ${taken.map(([name, bytes]) => `${name} ${mb(bytes).trim()}`).join(', ')}`)
  return Math.abs(ratio - 1) <= (joint ? 0.1 : 0.25)
}
