/** The whole way in small: a model is taught, improves itself, is stopped and goes on, is evaluated and reported on. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeReport } from '@evolmm/report'
import { readLog } from '@evolmm/runs'
import { resolve } from '@evolmm/settings'
import { learningSettings, loadState, saveState, supervise } from '@evolmm/sft'
import {
  drawChart,
  labelledPairs,
  measureAccuracy,
  proposerPrompt,
  splitChart,
  summarizeAccuracy,
  warmupTurns,
  writeCharts,
  writeStart,
} from '@evolmm/tiny-world'
import { evolmm, train, type IterationRecord, type TrainOptions } from '@evolmm/trainer'
import { loadVlm, type Adapter, type Vlm } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharePrograms } from '../../../packages/vlm/test/support/share-programs'

sharePrograms()

const checkpoint = fileURLToPath(new URL('../../../packages/tiny-world/checkpoint', import.meta.url))
const load = { device: 'cpu', threads: 1 } as const
const pairs = labelledPairs({ split: 'tune', charts: 24 })
let home = ''
let charts = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'evolmm-end-to-end-'))
  charts = join(home, 'charts')
  await writeCharts(
    charts,
    Array.from({ length: 64 }, (_, i) => splitChart('evolve', i)),
  )
})
afterAll(() => rm(home, { recursive: true }))

async function measure({ vlm, adapter }: { vlm: Vlm; adapter?: Adapter }) {
  const { all } = summarizeAccuracy(await measureAccuracy(vlm, { adapter, pairs }))
  return { sampled: all.sampled.mean, greedy: all.greedy.mean, agreement: all.agreement.mean }
}

function options(folder: string, model: string, more: TrainOptions): TrainOptions {
  return {
    output_dir: dirname(folder),
    run_name: basename(folder),
    data_dir: charts,
    solver_model: model,
    ...{ device: 'cpu', threads: 1 },
    ...{ use_lora_solver: true, use_lora_proposer: true, lora_dropout: 0 },
    lora_targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
    seed: 1,
    reshuffle: true,
    batch_size: 8,
    baseline: 'leave-one-out',
    kl_control: 'fixed',
    kl_coef: 0.1,
    lr: 1e-3,
    proposer_update_freq: 5,
    proposer_prompt: proposerPrompt,
    solver_prompt: '{question}',
    max_new_tokens_proposer: 32,
    max_new_tokens_solver: 16,
    tensorboard: false,
    ...more,
  }
}

/** Wall time apart. */
async function logOf(folder: string): Promise<Omit<IterationRecord, 'seconds'>[]> {
  const records = []
  for await (const record of readLog(folder, evolmm)) records.push({ ...record, seconds: null })
  return records
}

test('random weights are taught in steps, and what was saved in between and at the end can be used', async () => {
  const [start, taught, state] = [join(home, 'start'), join(home, 'taught'), join(home, 'warmup.safetensors')]
  await writeStart(start, { seed: 1 })
  const lessons = async (step: number) =>
    Promise.all(
      [0, 1].map(async (i) => {
        const chart = splitChart('warmup', 2 * step + i)
        return { images: [await drawChart(chart)], turns: warmupTurns(chart) }
      }),
    )
  const losses: number[] = []
  for (const last of [3, 6]) {
    const vlm = await loadVlm(start, load)
    const adapter = await vlm.trainWeights({ vision: true })
    const before = last === 3 ? undefined : await loadState(state)
    const learning = resolve(learningSettings, { total_steps: 6, lr: 2e-3, warmup_steps: 0, weight_decay: 0 })
    const run = supervise({ vlm, adapter, batchAt: lessons, settings: learning, state: before })
    for await (const { step, loss } of run) {
      losses.push(loss)
      if (step === last) break
    }
    await saveState(state, run.state)
    if (last === 6) await vlm.saveMerged(taught, adapter)
    await vlm.dispose()
  }
  expect(losses.length).toBe(6)
  // Random weights find all 425 words about as likely.
  expect(Math.abs(losses[0] - Math.log(425))).toBeLessThan(0.5)
  expect(losses[5]).toBeLessThan(losses[0] - 1)

  // It still writes noise; noise is asked, and answered.
  const folder = join(home, 'noise')
  const noise = {
    total_steps: 1,
    batch_size: 2,
    skip_malformed: false,
    untagged_answers: 'last-line',
  } as const
  expect(await train(options(folder, taught, noise))).toEqual({ folder, step: 1, status: 'finished' })
  expect((await logOf(folder))[0].images.map(({ answers }) => answers.length)).toEqual([5, 5])
})

test('the stored model becomes consistent without labels, and a stop in between changes nothing', async () => {
  const total_steps = 15
  const probe = { every: 0, run: measure }
  const folder = join(home, 'stopped')
  const stop = new AbortController()
  const stopped = await train(
    options(folder, checkpoint, {
      total_steps,
      probe,
      signal: stop.signal,
      onRecord: ({ step }) => {
        if (step === 4) stop.abort()
      },
    }),
  )
  expect(stopped).toEqual({ folder, step: 4, status: 'stopped' })
  const starts: number[] = []
  const probes: (Readonly<Record<string, number>> | null)[] = []
  const finished = await train(
    options(folder, checkpoint, {
      total_steps,
      probe,
      trackers: [
        {
          name: 'start',
          start: ({ startStep, probe: before }) => {
            starts.push(startStep)
            probes.push(before)
          },
        },
      ],
    }),
  )
  expect(finished).toEqual({ folder, step: total_steps, status: 'finished' })
  expect(starts).toEqual([4])
  const log = await logOf(folder)
  const [before, after] = [probes[0] ?? {}, log[total_steps - 1].probe ?? {}]
  expect(after.sampled).toBeGreaterThan(before.sampled + 0.03)
  expect(after.agreement).toBeGreaterThan(before.agreement + 0.03)

  // The same run, left alone until after the other was stopped.
  const whole = join(home, 'whole')
  await train(options(whole, checkpoint, { total_steps: 6 }))
  expect(await logOf(whole)).toEqual(log.slice(0, 6))

  // What is on disk is what was measured.
  const vlm = await loadVlm(checkpoint, load)
  const adapter = await vlm.loadAdapter(join(folder, 'step_00015/solver'))
  expect(await measure({ vlm, adapter })).toEqual(after)
  await vlm.dispose()

  const page = await readFile(await writeReport({ folder, kind: evolmm }), 'utf8')
  for (const { sampled } of [before, after]) expect(page).toContain((100 * sampled).toFixed(1))
  expect(page).toContain('data:image/')
}, 600_000)
