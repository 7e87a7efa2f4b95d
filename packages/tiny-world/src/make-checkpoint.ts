/**
 * The tiny model, from random weights to a stored checkpoint: some phases of supervised learning on labelled charts, each
 * an `evolmm` warm-up of its own. Nothing but the options decides the result, bit for bit on one machine; machines differ
 * in the last bits of a product, and so by what these grow to.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolve } from '@evolmm/settings'
import { learningSettings, loadState, saveState, supervise, type SftRecord } from '@evolmm/sft'
import { loadVlm } from '@evolmm/vlm'
import { writeStart } from './checkpoint/write-start'
import type { Chart } from './chart'
import { drawChart } from './draw-chart'
import { splitChart } from './splits'
import { readingTurns } from './reading-turns'
import { stepTurns } from './step-turns'
import { takeWeights } from './checkpoint/take-weights'
import { warmupTurns, type WarmupTurn } from './warmup-turns'

export interface WarmupPhase {
  steps: number
  /** Largest learning rate; it rises over a tenth of the steps, 100 at most, and falls to a tenth as a cosine. */
  lr: number
  /** Share of answers that are wrong: another chart's or, with `reading`, the hasty one's. @default 0 */
  wrong?: number
  /** Write down what is read before each answer. @default false */
  reading?: boolean
  /** Teach questions of several steps, of which `wrong` of the rationales are bad examples. @default false */
  rationales?: boolean
  /** Share of the answers with steps before them though no rationale is asked for; `rationales` alone has it. @default 0 */
  reasoned?: number
}

/** Clean labels first, or nothing is learned. */
const clean: WarmupPhase = { steps: 1400, lr: 1e-3 }

/** The checkpoints that are stored. */
export const recipes = {
  /** Answers at once. Wrong labels at the end leave it unsure of what it knows. */
  answer: [clean, { steps: 400, lr: 8e-4, wrong: 0.5 }],
  /** Writes down what it reads, then answers; its vote knows more than its greedy answer. */
  reading: [
    clean,
    { steps: 2400, lr: 1e-3, wrong: 0.5, reading: true },
    { steps: 400, lr: 8e-4, wrong: 0.38, reading: true },
  ],
  /** Goes on from `answer`: answers questions of several steps at once, and can explain an answer, often badly. */
  rationales: [
    { steps: 500, lr: 1e-3, rationales: true },
    // Who is not told the answer must read the bars.
    { steps: 900, lr: 1e-3, rationales: true, reasoned: 0.7 },
    { steps: 200, lr: 8e-4, rationales: true, wrong: 0.5, reasoned: 0.1 },
  ],
} as const satisfies Record<string, readonly WarmupPhase[]>

export interface MakeCheckpointOptions {
  folder: string
  /** The seed of the random weights. @default 1 */
  seed?: number | undefined
  /** Phases that run one after the other, such as one of `recipes`. */
  phases: readonly WarmupPhase[]
  /** The folder of a checkpoint to go on from; words that it lacks are added. @default random weights */
  from?: string | undefined
  /** Charts in a step. @default 8 */
  batch?: number | undefined
  /** Threads of an operation; another number gives other last bits. @default 1 */
  threads?: number | undefined
  /**
   * A folder where the state is kept every 100 steps and after each phase, to go on from. What was made with other
   * options is not taken up. @default nowhere
   */
  stateFolder?: string | undefined
  /** The function is called after each step; `step` counts from 1 in each phase. */
  onStep?: ((record: SftRecord, phase: number) => void) | undefined
}

/** Writes the folder at the end, and replaces a checkpoint that is there. */
export async function makeCheckpoint(options: MakeCheckpointOptions): Promise<void> {
  const { folder, seed = 1, phases, from, batch = 8, threads = 1, stateFolder, onStep } = options
  const aside = await mkdtemp(join(tmpdir(), 'evolmm-tiny-world-'))
  try {
    const start = join(aside, 'start')
    await writeStart(start, { seed, steps: phases.some(({ rationales }) => rationales) })
    const vlm = await loadVlm(start, { threads })
    const adapter = await vlm.trainWeights({ vision: true })
    if (from !== undefined) await takeWeights(adapter, from)
    if (stateFolder !== undefined) await mkdir(stateFolder, { recursive: true })
    let first = 0
    for (const [p, phase] of phases.entries()) {
      const { steps, lr } = phase
      const offset = first
      const made = JSON.stringify([seed, batch, threads, phases.slice(0, p + 1), from])
      const file = stateFolder && join(stateFolder, stateName(made))
      const state = file !== undefined && existsSync(file) ? await loadState(file) : undefined
      const run = supervise({
        ...{ vlm, adapter, state },
        batchAt: (step) => examples(offset + step * batch, batch, phase),
        settings: resolve(learningSettings, {
          total_steps: steps,
          lr,
          min_lr: lr / 10,
          warmup_steps: Math.min(100, Math.floor(steps / 10)),
          beta2: 0.98,
          weight_decay: 0.05,
          // It draws dropout masks alone, of which there are none.
          seed: 0,
        }),
      })
      for await (const record of run) {
        onStep?.(record, p)
        const due = record.step % 100 === 0 || record.step === steps
        if (file !== undefined && due) await saveState(file, run.state)
      }
      first += steps * batch
    }
    await vlm.saveMerged(folder, adapter, { overwrite: true })
    await vlm.dispose()
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

/** A file for each way to get there, so that a state never serves another one. */
function stateName(made: string): string {
  return `warmup-${createHash('sha256').update(made).digest('hex').slice(0, 16)}.safetensors`
}

/** Every chart is seen once. */
function examples(first: number, count: number, phase: WarmupPhase) {
  const charts = Array.from({ length: count }, (_, i) => splitChart('warmup', first + i))
  return Promise.all(
    charts.map(async (chart) => ({ images: [await drawChart(chart)], turns: turnsOf(chart, phase) })),
  )
}

function turnsOf(chart: Chart, phase: WarmupPhase): WarmupTurn[] {
  const { wrong = 0, reading = false, rationales = false, reasoned = 0 } = phase
  if (rationales) return stepTurns(chart, { wrong, reasoned })
  return reading ? readingTurns(chart, { hasty: wrong }) : warmupTurns(chart, { wrong })
}
