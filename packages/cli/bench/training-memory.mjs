/**
 * Estimated memory of whole runs beside the peak that the kernel measured: pnpm bench:training-memory [MODEL...]
 *
 * Each case is a run of `train` in a process of its own, with updates of both roles and checkpoints, on the tiny
 * checkpoint and on a random model of 38 million parameters. It fails when an estimate is more than 15 % off. Linux only.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultProposerPrompt, defaultSolverPrompt, fallbackQuestion, train } from '@evolmm/trainer'
import { loadVlm, openConfig } from '@evolmm/vlm'
import sharp from 'sharp'
import { estimateTraining } from '../src/plan/estimate-training'
import { randomModel } from '../../vlm/bench/random-model.mjs'

const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
const lora = { rank: 16, alpha: 32, dropout: 0.05, targets }
const base = { lora, samples: 5, tokens: 48, batchSize: 1, side: [448, 336] }
const cases = {
  lora: base,
  'lora, checkpointed': { ...base, gradientCheckpointing: true },
  'lora, three images': { ...base, batchSize: 3 },
  'lora, three images, checkpointed': { ...base, batchSize: 3, gradientCheckpointing: true },
  'lora, long answers': { ...base, tokens: 128 },
  'lora, larger image': { ...base, side: [784, 784] },
  'lora, one answer after the other': { ...base, solverUpdate: 'sequential' },
  'lora, the tower too': { ...base, vision: true },
  'one role with all weights': { ...base, full: ['solver'] },
  'all weights': { ...base, full: ['solver', 'proposer'] },
}

function runOptions({ lora: adapter, full = [], vision, samples, tokens, ...rest }) {
  const { batchSize, gradientCheckpointing, solverUpdate } = rest
  const role = (name) => ({ ...(!full.includes(name) && { lora: adapter }), vision })
  return {
    solver: role('solver'),
    proposer: role('proposer'),
    evolve: {
      totalSteps: 4,
      proposerUpdateFreq: 2,
      samples,
      batchSize,
      sampling: { solverTokens: tokens, proposerTokens: tokens },
      guards: { skip: [] },
      gradientCheckpointing,
      solverUpdate,
    },
  }
}

/** What runs in the measured process. */
async function run({ model, data, folder, ...options }) {
  const { solver, proposer, evolve } = runOptions(options)
  let peak = 0
  await train({
    folder,
    solver: { model, ...solver },
    proposer: { model, ...proposer },
    load: { device: 'cpu', threads: 2, memoryLimit: 1e12 },
    data: { root: data },
    saveEvery: 2,
    evolve,
    onCheckpoint: () => {
      peak = resident('VmHWM') - countedTwice()
    },
    onRecord: ({ solver: learned }) => {
      if (learned === null) throw new Error('no answer was learned from')
    },
  })
  return peak
}

/** Programs map the weights each for itself: a page is in memory once, but the kernel counts it for each of them. */
function countedTwice() {
  const mappings = new Map()
  let place = ''
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const [, offset, path] = /^[\da-f]+-[\da-f]+ \S+ ([\da-f]+) \S+ \d+ +(\/\S+)/.exec(line) ?? []
    if (/^[\da-f]+-[\da-f]+ /.test(line)) place = path === undefined ? '' : `${path} ${offset}`
    const kilobytes = /^Rss: +(\d+) kB/.exec(line)?.[1]
    if (place === '' || kilobytes === undefined) continue
    mappings.set(place, [...(mappings.get(place) ?? []), 1024 * Number(kilobytes)])
  }
  const sum = (list) => list.reduce((all, each) => all + each, 0)
  return sum([...mappings.values()].map((list) => sum(list) - Math.max(...list)))
}

/** Random weights write no question: a fixed one is asked. The tiny tokenizer knows few words. */
async function promptTokens(model, imageTokens) {
  const vlm = await loadVlm(model, { device: 'cpu' })
  const count = (prompt) => vlm.prompt({ prompt, images: [] }).ids.length + 2 + imageTokens
  const solver = defaultSolverPrompt.replace('{question}', fallbackQuestion)
  const counts = { solver: count(solver), proposer: count(defaultProposerPrompt) }
  await vlm.dispose()
  return counts
}

/** A figure of this process in bytes; peaks are kept by the kernel. */
function resident(field) {
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

if (process.argv[2] === 'run') console.log(JSON.stringify(await run(JSON.parse(process.argv[3]))))
else {
  const only = process.argv.slice(2)
  const root = mkdtempSync(join(tmpdir(), 'evolmm-memory-'))
  const mb = (bytes) => (bytes / 1e6).toFixed(0).padStart(5)
  const shape = JSON.parse(readFileSync('packages/vlm/bench/bench-small.json', 'utf8'))
  const models = {
    tiny: 'packages/vlm/test/fixtures/qwen2_5_vl-tiny',
    bench: (await randomModel(shape)).folder,
  }
  let failed = false
  for (const [name, model] of Object.entries(models))
    for (const [title, options] of Object.entries(cases)) {
      if (
        only.length > 0 &&
        !only.includes(name) &&
        !only.includes(title) &&
        !only.includes(`${name}, ${title}`)
      )
        continue
      const [width, height] = options.side
      const data = join(root, `${width}x${height}`)
      mkdirSync(data, { recursive: true })
      for (let i = 0; i < 4; i++) {
        const noise = Uint8Array.from(
          { length: 3 * width * height },
          (_, at) => Math.imul(at + i, 2654435761) >>> 24,
        )
        await sharp(noise, { raw: { width, height, channels: 3 } })
          .png()
          .toFile(join(data, `${i}.png`))
      }
      const folder = mkdtempSync(join(root, 'run-'))
      const given = JSON.stringify({ model, data, folder, ...options })
      const args = [fileURLToPath(import.meta.url), 'run', given]
      const peak = Number(
        execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n').at(-1),
      )
      const { config, patchesOf } = await openConfig(model)
      const { solver, proposer, evolve } = runOptions(options)
      const { kinds, total } = estimateTraining({
        solver: { config, ...solver },
        proposer: { config, ...proposer },
        evolve,
        imagePatches: patchesOf({ width, height }),
        images: 4,
        promptTokens: await promptTokens(model, patchesOf({ width, height }) / 4),
      })
      const ratio = total.host / peak
      failed ||= Math.abs(ratio - 1) > 0.15
      console.log(
        `${name}, ${title} (${JSON.stringify(await promptTokens(model, patchesOf({ width, height }) / 4))})`,
      )
      console.log(`  measured ${mb(peak)} MB, estimated ${mb(total.host)} MB, ratio ${ratio.toFixed(2)}`)
      console.log(
        `  ${Object.entries(kinds)
          .map(([kind, { host }]) => `${kind} ${mb(host).trim()}`)
          .join(', ')}`,
      )
    }
  rmSync(root, { recursive: true })
  process.exit(failed ? 1 : 0)
}
