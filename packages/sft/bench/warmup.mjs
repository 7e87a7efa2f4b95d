/**
 * A step of the warm-up at the shape of the tiny world: pnpm bench:warmup [--steps=20] [--threads=1]
 *
 * 1.5 million parameters, all trained, the vision tower too; 8 images of 64 patches with 6 questions each. The model is
 * random, its tokenizer that of the test fixture, which makes as many tokens of these as the tiny world's own makes of
 * its 8 to 11. Printed are medians and minima over all steps but the first, as wall
 * time and as processor time, which says more on a machine that is shared, and what the products alone would take.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AdamW } from '@evolmm/rl-core'
import { initializeCheckpoint, loadVlm, openBackbone } from '@evolmm/vlm'
import ndarray from 'ndarray'
import shape from './warmup.json'

const { values: options } = parseArgs({
  options: { steps: { type: 'string', default: '20' }, threads: { type: 'string', default: '1' } },
})
const { images, questions, side, config } = shape
const fixture = resolve('packages/vlm/test/fixtures/qwen2_5_vl-tiny')
const folder = join(mkdtempSync(join(tmpdir(), 'evolmm-bench-')), 'model')
const small = JSON.parse(readFileSync(join(fixture, 'config.json'), 'utf8'))
const backbone = openBackbone({
  ...small,
  ...config,
  vision_config: { ...small.vision_config, ...config.vision_config },
})
await initializeCheckpoint(folder, { backbone, seed: 1, sourceFolder: fixture })

const vlm = await loadVlm(folder, {
  threads: Number(options.threads),
  imageOptions: { minPixels: side ** 2, maxPixels: side ** 2 },
})
const adapter = await vlm.trainWeights({ vision: true })
const optimizer = new AdamW({ size: adapter.parameters.length, lr: 1e-3, weightDecay: 0.05 })
const colors = ['red', 'blue', 'green', 'yellow', 'black', 'purple']
const pictures = Array.from({ length: images }, (_, i) => picture(i))
const rows = []
let [tokens, scored] = [0, 0]
for (let step = 0; step <= Number(options.steps); step++) {
  const laps = [[performance.now(), process.cpuUsage()]]
  const lap = (value) => {
    laps.push([performance.now(), process.cpuUsage()])
    return value
  }
  const encoded = []
  for (const each of pictures) encoded.push(await vlm.encodeImage(each, { features: false }))
  lap()
  const groups = lap(encoded.map((image, i) => vlm.group({ images: [image], turns: turns(step, i) })))
  const { gradient } = lap(await vlm.gradient({ groups, adapter, objective: 'supervised' }))
  lap(optimizer.step(adapter.parameters, gradient))
  const names = ['images', 'questions', 'gradient', 'AdamW']
  const row = (place) => {
    const values = names.map((_, i) => place(laps[i], laps[i + 1]))
    return {
      ...Object.fromEntries(names.map((name, i) => [name, values[i]])),
      total: values.reduce((a, b) => a + b),
    }
  }
  if (step === 0) continue
  rows.push({
    wall: row(([from], [to]) => to - from),
    processor: row(([, from], [, to]) => (to.user + to.system - from.user - from.system) / 1000),
  })
  tokens = groups.reduce(
    (sum, group) => sum + group.prompt.ids.length + count(group, ({ ids }) => ids.length),
    0,
  )
  scored = groups.reduce((sum, group) => sum + count(group, ({ ids, given = 0 }) => ids.length - given), 0)
}
await vlm.dispose()
rmSync(folder, { recursive: true })

console.log(
  `${adapter.parameters.length} parameters, ${options.threads} thread(s); a step has ${tokens} tokens, ${scored} of them learned`,
)
console.log('milliseconds    wall: median     least    processor: median     least')
for (const name of Object.keys(rows[0].wall)) {
  const [wall, processor] = ['wall', 'processor'].map((kind) =>
    rows.map((row) => row[kind][name]).toSorted((a, b) => a - b),
  )
  const cell = (value, width) => value.toFixed(1).padStart(width)
  const half = rows.length >> 1
  console.log(
    `${name.padEnd(12)}${cell(wall[half], 16)}${cell(wall[0], 10)}${cell(processor[half], 21)}${cell(processor[0], 10)}`,
  )
}

function count(group, value) {
  return group.completions.reduce((sum, completion) => sum + value(completion), 0)
}

function picture(i) {
  const data = Uint8Array.from({ length: 3 * side * side }, (_, at) => Math.imul(at + i, 2654435761) >>> 24)
  return ndarray(data, [side, side, 3])
}

/** Four questions, a question to ask, and a description. */
function turns(step, i) {
  const color = (n) => colors[(step + i + n) % colors.length]
  return Array.from({ length: questions }, (_, n) =>
    n === 4
      ? { prompt: 'Ask a question.', completion: `<question>Is the ${color(n)} bar taller?</question>` }
      : n === 5
        ? {
            prompt: 'Describe the chart.',
            completion: `${color(1)} 3, ${color(2)} 5, ${color(3)} 1, ${color(4)} 2`,
          }
        : {
            prompt: `What is the value of the ${color(n)} bar?`,
            completion: `<answer>${(step + n) % 10}</answer>`,
          },
  )
}
