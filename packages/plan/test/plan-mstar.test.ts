/** Plans of M-STaR. Peaks were measured by `bench/training-memory.mjs`: the kernel's VmHWM of whole runs, pages of weights counted once. CPU. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assumeQuestions, mstarSettings, type MstarGiven } from '@evolmm/mstar'
import { resolve } from '@evolmm/settings'
import { afterAll, expect, test } from 'vitest'
import { checkFit, planGraphs, planMstar, reportRun, type PlanMstarOptions } from '../src/index'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'evolmm-plan-mstar-'))
afterAll(() => {
  rmSync(home, { recursive: true })
})

const square = { width: 896, height: 896 }
const planned = (given: MstarGiven, device: PlanMstarOptions['device'] = 'cpu') => {
  const settings = resolve(mstarSettings, { data: 'd', output_dir: 'o', ...given })
  const validation = settings.validation === null ? 0 : 250
  const survey = { ...assumeQuestions(settings, { questions: 1000, validation }), sizes: [square] }
  return planMstar(settings, { device, survey })
}
const lora = { use_lora: true, gradient_checkpointing: true, micro_batch_size: 4, questions_per_run: 1 }
const scored = { reward_model: 'nowhere', selection: 'top-k', validation: 'v' } as const
const measured: MstarGiven = {
  ...{ model: tiny, use_lora: true, validation: 'v', num_generations: 6, max_new_tokens: 48 },
  ...{ interval: 2, questions_per_run: 2, batch_size: 6 },
}

test.each<[MstarGiven, size: [number, number], peak: number]>([
  [{}, [448, 336], 327e6],
  [{ gradient_checkpointing: true }, [448, 336], 313e6],
  [{ micro_batch_size: 2 }, [448, 336], 266e6],
  [{}, [784, 784], 902e6],
  [{ use_lora: false, micro_batch_size: 3 }, [448, 336], 285e6],
])(
  'the estimate of a run is within 10 percent of its measured peak: %j, images of %j',
  async (given, [width, height], peak) => {
    const settings = resolve(mstarSettings, { data: 'd', output_dir: 'o', ...measured, ...given })
    const { longestPrompt, ...counts } = assumeQuestions(settings, { questions: 4, validation: 4 })
    const asked = longestPrompt.replace(/(word ?)+/, 'How many?')
    const survey = { ...counts, longestPrompt: asked, sizes: [] }
    const plan = await planMstar(settings, { device: 'cpu', survey })
    const ratio = plan.estimate({ width, height }).total.host / peak
    expect(ratio).toBeGreaterThan(0.9)
    expect(ratio).toBeLessThan(1.1)
  },
)

test('7B is planned without a file; kinds and phases have one total, and a reward model is one adapter and one program more', async () => {
  const given: MstarGiven = { ...lora, model: '7B', max_new_tokens: 256 }
  const fit = { image: square, limits: { device: 80e9 } }
  const plan = await planned(given, 'cuda')
  const { kinds, phases, total, parameters, ...rest } = reportRun(plan, fit)
  // Rank 16 on the seven projections, counted by hand from the published shapes.
  expect(parameters).toBe(40_370_176)
  expect(rest).toMatchObject({ model: '7B', device: 'cuda', patches: 4096, fits: true, advice: null })
  for (const place of ['device', 'host'] as const) {
    const sum = Object.values(kinds).reduce((all, bytes) => all + bytes[place], 0)
    expect(sum).toBeCloseTo(total[place], -1)
    const peaks = Object.values(phases).map((peak) => peak[place])
    expect(peaks).toEqual(peaks.toSorted((a, b) => a - b))
    expect(phases.update[place]).toBeCloseTo(total[place], -1)
  }
  // Two moments of four bytes, twice while a cycle begins.
  expect(kinds.optimizer).toEqual({ device: 0, host: 16 * parameters })
  const more = reportRun(await planned({ ...given, ...scored }, 'cuda'), fit)
  expect(more.kinds.weights).toEqual(kinds.weights)
  expect(more.kinds.adapters.device - kinds.adapters.device).toBe(8 * (40_370_176 + 3584))
  expect(more.phases.generate.device).toBeLessThan(more.phases.score.device)
  expect(phases.generate).toEqual(phases.score)
})

test('the adapter of a reward model that is there is planned as it is', async () => {
  mkdirSync(join(home, 'reward'))
  const config = { peft_type: 'LORA', r: 3, lora_alpha: 8, target_modules: ['q_proj'] }
  writeFileSync(join(home, 'reward/adapter_config.json'), JSON.stringify(config))
  const adapters = async (reward_model: string) =>
    (await planned({ ...measured, ...scored, reward_model })).estimate(square).kinds.adapters.host
  expect(await adapters(join(home, 'reward'))).toBeLessThan(await adapters('nowhere'))
})

test('what does not fit is told what to change, and each alternative is enough', async () => {
  const given: MstarGiven = { ...lora, ...scored, model: '7B', micro_batch_size: 16, questions_per_run: 2 }
  const image = square
  const { total } = (await planned(given, 'cuda')).estimate(image)
  for (const share of [0.97, 0.6]) {
    const fit = { image, limits: { device: share * total.device } }
    const plan = await planned(given, 'cuda')
    const { fits, advice } = reportRun(plan, fit)
    expect([fits, advice?.enough]).toEqual([false, true])
    for (const { changes, total: left } of advice?.alternatives ?? []) {
      const changed = reportRun(await planned({ ...given, ...changes }, 'cuda'), fit)
      expect([changed.fits, changed.total]).toEqual([true, left])
    }
    expect(() => {
      checkFit(plan, fit)
    }).toThrow(expect.objectContaining({ code: 'MEMORY_EXCEEDED' }))
  }
})

test('the largest batch of a gradient is no larger than that of a step', async () => {
  const given: MstarGiven = { ...lora, model: '7B', max_new_tokens: 64, num_generations: 4 }
  const most = async (device: number) =>
    reportRun(await planned(given, 'cuda'), { image: square, limits: { device } }).largest_batch
  expect(await most(1e15)).toBe(128)
  const some = await most(60e9)
  expect(some).toBeGreaterThan(4)
  expect(some).toBeLessThan(128)
})

test('more weights than one vector holds are refused by the estimate, with what to do', async () => {
  const plan = await planned({ model: '7B', gradient_checkpointing: true }, 'cuda')
  expect(() => plan.estimate(square)).toThrow(
    expect.objectContaining({
      code: 'TOO_MANY_PARAMETERS',
      message: expect.stringContaining('set use_lora') as string,
    }),
  )
})

test('every program is built', async () => {
  const graphs = planGraphs(await planned(measured))
  expect(graphs.map(({ name }) => name)).toEqual(['encode', 'sample', 'stream', 'score', 'gradient'])
})
