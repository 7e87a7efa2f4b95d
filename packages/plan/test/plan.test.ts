import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scanImages } from '@evolmm/dataset'
import { resolve } from '@evolmm/settings'
import { evolmmSettings, fallbackQuestion, type EvolmmGiven, type EvolmmValues } from '@evolmm/trainer'
import { openConfig } from '@evolmm/vlm'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  checkFit,
  EvolmmError,
  formatAdvice,
  largestImage,
  planGraphs,
  planRun,
  reportRun,
  type Changes,
  type PlanRunOptions,
} from '../src/index'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const lora = { use_lora_solver: true, use_lora_proposer: true }
const square = { width: 896, height: 896 }
const plans = new Map<string, ReturnType<typeof planRun>>()
const planned = (given: EvolmmGiven, device: PlanRunOptions['device'] = 'cpu') => {
  const key = JSON.stringify([given, device])
  const plan = plans.get(key) ?? planRun(resolve(evolmmSettings, given), { device })
  plans.set(key, plan)
  return plan
}

let bare: string
beforeAll(() => {
  bare = mkdtempSync(join(tmpdir(), 'evolmm-plan-'))
  copyFileSync(join(tiny, 'config.json'), join(bare, 'config.json'))
})
afterAll(() => {
  rmSync(bare, { recursive: true })
})

test.each([
  // Two adapters of rank 16 on the seven projections, counted by hand from the published shapes.
  ['3B', 2 * 29_933_568],
  ['7B', 2 * 40_370_176],
  ['32B', 2 * 134_217_728],
  ['72B', 2 * 210_534_400],
])('%s is planned without a file, for a card that is not there', async (solver_model, parameters) => {
  const plan = await planned({ ...lora, solver_model }, 'cuda')
  const { kinds, total, ...rest } = reportRun(plan, { image: square, limits: { device: 80e9 } })
  expect(rest.parameters).toBe(parameters)
  expect(rest).toMatchObject({ device: 'cuda', dtype: 'bfloat16', patches: 4096, limits: { device: 80e9 } })
  for (const place of ['device', 'host'] as const) {
    const sum = Object.values(kinds).reduce((all, bytes) => all + bytes[place], 0)
    expect(sum).toBeCloseTo(total[place], -1)
    expect(rest.phases.update[place]).toBeCloseTo(total[place], -1)
  }
  // Two moments of four bytes.
  expect(kinds.optimizer).toEqual({ device: 0, host: 8 * parameters })
})

test.each([
  ['7B', 'int4', 24e9],
  ['7B', 'none', 40e9],
  ['32B', 'int4', 80e9],
] as const)(
  '%s (quantize %s) trains both roles on a card of %d bytes, whose programs share the weights',
  async (solver_model, quantize, device) => {
    const recipe: EvolmmGiven = { ...lora, solver_model, quantize, gradient_checkpointing: true }
    const fit = { image: square, limits: { device } }
    const { fits, kinds, total } = reportRun(await planned(recipe, 'cuda'), fit)
    expect([fits, total.device <= device]).toEqual([true, true])
    const alone = reportRun(await planned({ ...recipe, proposer_update_freq: 0 }, 'cuda'), fit)
    // To score and to learn for another role are two more programs, and not one more copy.
    expect(alone.kinds.weights).toEqual(kinds.weights)
  },
)

test('a folder with config.json alone is enough, and a name on the hub for a published size', async () => {
  expect((await planned({ ...lora, solver_model: bare })).estimate(square).parameters).toBeGreaterThan(0)
  const [short, long] = await Promise.all(
    ['7B', 'Qwen/Qwen2.5-VL-7B-Instruct'].map((solver_model) => planned({ ...lora, solver_model }, 'cuda')),
  )
  expect(long.estimate(square)).toEqual(short.estimate(square))
})

test('a plan of more weights than one vector holds says that it cannot be, and why', async () => {
  const whole = await planned({ solver_model: '7B' }, 'cuda')
  expect(() => reportRun(whole, { image: square, limits: { device: 80e9 } })).toThrow(
    expect.objectContaining({
      code: 'TOO_MANY_PARAMETERS',
      message:
        'solver_model 7B: must train 4,294,967,296 parameters at most, which is what one vector holds, ' +
        'got 7,615,616,512; set use_lora_solver, or take a smaller model',
    }),
  )
  // Parameters, gradient and two moments of two roles' weights, four bytes each, are in the host whatever the card.
  const { total, parameters } = (await planned({ solver_model: '3B' }, 'cuda')).estimate(square)
  expect(parameters).toBe(2 * 3_085_938_688)
  expect(total.host).toBeGreaterThan(3.5 * 4 * parameters)
})

test('the largest batch fits, and one more does not', async () => {
  const given = { ...lora, solver_model: '7B', gradient_checkpointing: true }
  const fit = { image: square, limits: { device: 140e9 } }
  const { largest_batch: most } = reportRun(await planned(given, 'cuda'), fit)
  expect(most).toBeGreaterThan(0)
  expect(reportRun(await planned({ ...given, batch_size: most }, 'cuda'), fit).fits).toBe(true)
  const more = reportRun(await planned({ ...given, batch_size: most + 1 }, 'cuda'), fit)
  expect(more.fits).toBe(false)
  expect(more.advice?.alternatives.map(({ changes }) => Object.keys(changes))).toContainEqual(['batch_size'])
})

const gpu: EvolmmGiven = { solver_model: '3B', device: 'cuda' }
const cpu: EvolmmGiven = { solver_model: tiny, device: 'cpu' }
test.each<[EvolmmGiven, EvolmmGiven, side?: number]>([
  [{ gradient_checkpointing: true }, { ...gpu, ...lora }],
  [{ max_pixels: 1792 ** 2 / 2 }, { ...gpu, ...lora }, 1792],
  [{ batch_size: 4 }, { ...gpu, ...lora, batch_size: 8, proposer_baseline: 'leave-one-out' }],
  [{ max_new_tokens_solver: 1024 }, { ...gpu, ...lora, max_new_tokens_solver: 2048 }],
  [{ num_solver_samples: 16 }, { ...gpu, ...lora, num_solver_samples: 32, baseline: 'leave-one-out' }],
  [{ lora_r: 512 }, { ...gpu, ...lora, lora_r: 1024, min_pixels: 802816 }],
  [{ dtype: 'bfloat16' }, { ...gpu, ...lora, dtype: 'float32' }],
  [{ proposer_update_freq: 0 }, { ...gpu, ...lora, gradient_checkpointing: true }],
  [lora, { ...gpu, use_lora_solver: true }],
  [{ gradient_checkpointing: true }, { ...cpu, ...lora, solver_model: '3B' }, 224],
  [{ quantize: 'int4' }, { ...gpu, ...lora }],
  [{ batch_size: 4 }, { ...cpu, ...lora, batch_size: 8, proposer_lr: 1e-5 }, 224],
])(
  'what does not fit is told to change %j, and each alternative is enough: %j',
  async (named, given, side = 896) => {
    const image = { width: side, height: side }
    const device = given.device === 'cuda' ? 'cuda' : 'cpu'
    const place = device === 'cuda' ? 'device' : 'host'
    const { total } = (await planned(given, device)).estimate(image)
    // A bit too large, so that one change is enough, and much too large.
    for (const share of [0.98, 0.7, 0.5]) {
      const fit = { image, limits: { [place]: Math.floor(share * total[place]) } }
      const { fits, advice } = reportRun(await planned(given, device), fit)
      expect(fits).toBe(false)
      if (share === 0.98) expect(advice?.alternatives.map(({ changes }) => changes)).toContainEqual(named)
      for (const { changes, total: left } of advice?.alternatives ?? []) {
        const changed = reportRun(await planned({ ...given, ...changes }, device), fit)
        expect(changed.fits, JSON.stringify(changes)).toBe(advice?.enough)
        expect(changed.total).toEqual(left)
        expect(left[place]).toBeLessThan(total[place])
      }
    }
  },
)

test('advice in words has the names of settings, or whatever the front end calls them', () => {
  const alternative = (changes: Changes<EvolmmValues>, device: number) => ({
    changes,
    total: { device, host: 1e9 },
  })
  const one = alternative({ batch_size: 2 }, 31e9)
  const two = alternative({ ...lora, quantize: 'int4' }, 0)
  expect(formatAdvice({ enough: true, alternatives: [one, two] })).toBe(
    'batch_size 2 (31.0 GB), or use_lora_solver true use_lora_proposer true quantize int4 (1.0 GB) would do',
  )
  expect(formatAdvice({ enough: false, alternatives: [one] }, (name) => `--${name}`)).toBe(
    '--batch_size would leave 31.0 GB, so use a smaller model or more memory',
  )
  expect(formatAdvice({ enough: false, alternatives: [] })).toBe('use a smaller model or more memory')
})

test('a run that cannot fit is refused with what takes most, and one that fits is not', async () => {
  const image = await largestOf(join(tiny, 'images'))
  const plan = await planned({ ...lora, solver_model: bare })
  const { total } = plan.estimate(image)
  checkFit(plan, { image, limits: { host: total.host } })
  const refused = refusal(() => {
    checkFit(plan, { image, limits: { host: 50e6 }, write: (name) => `<${name}>` })
  })
  expect(refused).toMatchObject({ code: 'MEMORY_EXCEEDED', details: { total, limits: { host: 50e6 } } })
  expect(refused.message).toMatch(
    /^memory of the machine: must be at least what the run takes, about .*\(runtime \d+ MB, .*got 50\.0 MB; .*<\w+>.*use a smaller model/,
  )
})

test('every program is built, and what it takes and gives is known', async () => {
  const plan = await planned({ ...lora, solver_model: tiny })
  const graphs = planGraphs(plan)
  expect(graphs.map(({ name }) => name)).toEqual(['encode', 'sample', 'stream', 'score', 'gradient'])
  for (const { nodes, bytes, weight_bytes: weights } of graphs)
    expect(Math.min(nodes, bytes, weights)).toBeGreaterThan(0)
  // Both roles have one program, which gives the gradient of one.
  const shape = [plan.estimate(square).parameters / 2]
  expect(graphs[4].outputs).toContainEqual({ name: 'gradient', dtype: 'float32', shape })
})

test('roles that train something else have programs of their own', async () => {
  const graphs = planGraphs(await planned({ solver_model: tiny, use_lora_solver: true }))
  const names = ['encode', 'sample', 'stream', 'score', 'gradient']
  expect(graphs.map(({ name }) => name)).toEqual([
    ...names.map((name) => `solver ${name}`),
    ...names.map((name) => `proposer ${name}`),
  ])
})

test('prompts are counted by the tokenizer of a folder, and guessed without one', async () => {
  const image = { width: 56, height: 56 }
  const given = { ...lora, max_new_tokens_proposer: 10 }
  const prompts = async (more: EvolmmGiven) => {
    const plan = await planned({ ...given, ...more })
    return reportRun(plan, { image, limits: {} }).prompt_tokens
  }
  // Published prompts of 780 characters; of this tokenizer, which knows few words, a token has two or three.
  expect(await prompts({ solver_model: bare })).toBeLessThan(await prompts({ solver_model: tiny }))
  const { promptTokens, layout } = await openConfig(tiny)
  const count = (prompt: string) => promptTokens?.({ prompt }, [layout(image)]) ?? NaN
  const asked = { proposer_prompt: 'Ask.', solver_prompt: 'Solve {question}, {question}' }
  // Two places of ten tokens or of the fixed question, and an image of 4 x 4 patches.
  const fixed = count(`Solve ${fallbackQuestion}, ${fallbackQuestion}`)
  expect(await prompts({ solver_model: tiny, ...asked })).toBe(Math.max(fixed, count('Solve , ') + 20))
})

test('an adapter to start from is planned as it is, in a folder or in a checkpoint', async () => {
  const peft = (folder: string, rank: number) => {
    mkdirSync(folder, { recursive: true })
    const config = { peft_type: 'LORA', r: rank, lora_alpha: 8, target_modules: ['q_proj', 'v_proj'] }
    writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(config))
    return folder
  }
  const step = join(bare, 'step_00001')
  peft(join(step, 'proposer'), 3)
  const parameters = async (more: EvolmmGiven) =>
    (await planned({ ...lora, solver_model: tiny, ...more })).estimate(square).parameters
  const started = await parameters({ solver_adapter: peft(join(bare, 'solver'), 5), proposer_adapter: step })
  // Rank 5 and rank 3 are as many as one adapter of rank 8, and there are two.
  expect(started).toBe((await parameters({ lora_targets: ['q_proj', 'v_proj'], lora_r: 8 })) / 2)
})

test('the largest image is that of most patches; what is no image or too narrow is passed over', async () => {
  const folder = join(bare, 'images')
  mkdirSync(folder)
  const grey = { channels: 3, background: 'grey' } as const
  for (const [width, height] of [
    [56, 84],
    [84, 112],
    [2010, 10],
  ])
    await sharp({ create: { width, height, ...grey } })
      .png()
      .toFile(join(folder, `${width}.png`))
  writeFileSync(join(folder, 'text.png'), 'no image')
  expect(await largestOf(folder)).toEqual({ width: 84, height: 112, count: 4 })
})

async function largestOf(root: string) {
  return largestImage(await planned({ ...lora, solver_model: bare }), await scanImages({ root }))
}

function refusal(act: () => void): EvolmmError {
  try {
    act()
  } catch (error) {
    if (error instanceof EvolmmError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
