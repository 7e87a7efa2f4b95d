/** A run as it might have been: bar charts, questions about them, and answers that come to agree. Seeded. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupStatistics } from '@evolmm/rewards'
import { drawAt, normal, uniform } from '@evolmm/rl-core'
import sharp from 'sharp'
import type { AnswerRecord, ImageRecord, IterationRecord, UpdateRecord } from '@evolmm/trainer'
import type { RunFile } from '@evolmm/runs'
import { plain } from '../../../trainer/test/support/records'

export interface SampleRunOptions {
  steps: number
  /** Images of an iteration. @default 1 */
  batch?: number
  /** Images of the data set. @default 200 */
  images?: number
  /** The folder of the images. @default '/data/charts' */
  root?: string
  /** Iterations between probes; 0 for none. @default 0 */
  probeEvery?: number
  /** @default false */
  alarms?: boolean
}

const colors = { red: '#c8452f', green: '#4c9a52', blue: '#3a64b0', yellow: '#e0b23c', black: '#2b2b2b' }
const names = Object.keys(colors) as (keyof typeof colors)[]

export function sampleRunFile(options: SampleRunOptions): RunFile {
  const { steps, images = 200, root = '/data/charts', batch = 1, probeEvery = 0 } = options
  return {
    schema_version: 1,
    name: 'tiny-charts',
    started: '2026-03-02T09:30:00.000Z',
    versions: { evolmm: '0.1.0', node: '20.20.0', onnxruntime: '1.30.0' },
    config: {
      data_dir: root,
      solver_model: './tiny-world',
      proposer_model: './tiny-world',
      total_steps: steps,
      batch_size: batch,
      num_solver_samples: 5,
      lr: 3e-4,
      kl_coef: 0.1,
      seed: 42,
      lora_targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
      use_lora_solver: true,
      resume: null,
    },
    identity: {},
    images: { root, count: images },
    probe: probeEvery > 0 ? probeAt(0, steps) : null,
  }
}

export function* sampleRecords(options: SampleRunOptions): Generator<IterationRecord> {
  const { steps, batch = 1, images = 200, root = '/data/charts', probeEvery = 0, alarms = false } = options
  for (let step = 1; step <= steps; step++) {
    const progress = 1 - Math.exp((-4 * step) / steps)
    const shown = Array.from({ length: batch }, (_, i) => {
      const place = (step - 1) * batch + i
      return sampleImage({
        step,
        slot: i,
        number: place % images,
        epoch: Math.floor(place / images),
        root,
        progress,
      })
    })
    const noise = (position: number) => normal(...at({ step, role: 9, position }))
    const rewards = shown.flatMap(({ answers }) => answers.map(({ reward }) => reward ?? 0))
    const update = (role: number): UpdateRecord => ({
      ...plain.update,
      updates: step,
      completions: rewards.length,
      ce: 0.5 - 0.35 * progress + 0.03 * noise(role),
      kl: Math.max(0, 0.085 * progress + 0.006 * noise(role + 1)) / (role === 0 ? 1 : 4),
      beta: role === 0 ? 0.1 : 0.1 * 2 ** (3 * Math.sin((6 * step) / steps)),
      nextBeta: 0.1,
      entropy: 0.2,
      baseline: null,
      rewardMean: rewards.length > 0 ? rewards.reduce((a, b) => a + b, 0) / rewards.length : null,
      rewardStd: 0.1,
      gradientNorm: 0.4 * Math.exp(0.5 * noise(role + 2)),
      learningRate: 3e-4,
      samplerGap: 1e-6 * Math.exp(noise(role + 3)),
    })
    const raised = alarms && step > 0.8 * steps && step % 3 > 0
    yield {
      step,
      images: shown,
      solver: rewards.length > 0 ? update(0) : null,
      proposer: step % 5 === 0 ? update(4) : null,
      watch: {
        topAnswerShare: step > 20 ? 0.34 + 0.06 * progress + (raised ? 0.25 : 0) + 0.01 * noise(8) : null,
        startTopAnswerShare: step > 20 ? 0.34 : null,
        alarms: raised ? ['constant-answers'] : [],
      },
      probe: probeEvery > 0 && step % probeEvery === 0 ? probeAt(step, steps) : null,
      seconds: { ...plain.seconds, total: 0.165, encode: 0.012, propose: 0.031, solve: 0.052, learn: 0.061 },
    }
  }
}

function probeAt(step: number, steps: number): Record<string, number> {
  const progress = 1 - Math.exp((-6 * step) / steps)
  const around = (name: string, value: number) => ({
    [name]: value,
    [`${name}_low`]: value - 0.037,
    [`${name}_high`]: value + 0.036,
  })
  return {
    questions: 600,
    ...around('sampled', 0.516 + 0.208 * progress),
    ...around('accuracy', 0.783 - 0.025 * progress),
    ...around('agreement', 0.592 + 0.343 * progress),
  }
}

interface Sample {
  step: number
  slot: number
  number: number
  epoch: number
  root: string
  progress: number
}

const questions = [
  'Which bar is the tallest?',
  'Which bar is the lowest?',
  'Which color is the second bar?',
  'What is the value of the tallest bar?',
  'How many bars are there?',
  'Is the first bar taller than the second bar?',
]

function sampleImage({ step, slot, number, epoch, root, progress }: Sample): ImageRecord {
  const draw = (position: number) => uniform(...at({ step, role: slot % 200, position }))
  const kind = Math.floor(draw(0) * questions.length)
  const words = kind < 3 ? names : kind === 5 ? ['yes', 'no'] : ['3', '4', '7', '9', '5']
  const question = questions[kind] ?? ''
  const rejected = draw(1) < 0.03 ? (draw(2) < 0.5 ? 'malformed' : 'unlikely') : null
  const sure = 0.45 + 0.5 * progress
  const best = Math.floor(draw(3) * words.length)
  const votes = Array.from({ length: rejected === null ? 5 : 0 }, (_, n) => {
    const other = Math.floor(draw(20 + n) * words.length)
    if (draw(30 + n) < 0.02) return null
    return words[draw(10 + n) < sure ? best : other] ?? null
  })
  const statistics = votes.length > 0 ? groupStatistics(votes) : null
  const answers = votes.map((vote, n): AnswerRecord => {
    const count = statistics?.histogram.find(({ answer }) => answer === vote)?.count ?? 0
    const reward = vote === null ? 0 : (count / 5) ** 0.7
    return {
      ...plain.answer,
      text: vote === null ? 'The chart shows' : `<answer>${vote}</answer><|im_end|>`,
      raw: vote,
      answer: vote,
      tokens: 7 + Math.floor(2 * draw(40 + n)),
      finishReason: vote === null ? 'length' : 'stop',
      rewards: {
        ...plain.solverRewards,
        continuous: reward,
        discrete: vote === statistics?.majority ? 1 : 0,
      },
      reward,
    }
  })
  const entropy = statistics?.entropy ?? null
  const proposerReward = entropy === null ? null : Math.exp(-((entropy - 0.9) ** 2) / 0.18)
  const name = `chart-${String(number).padStart(4, '0')}.png`
  return {
    ...plain.image,
    path: join(root, name),
    relativePath: name,
    epoch,
    proposerText:
      rejected === 'malformed' ? `<question>${question}` : `<question>${question}</question><|im_end|>`,
    proposerTokens: 12 + Math.floor(4 * draw(4)),
    question,
    faults: rejected === 'malformed' ? ['missing-question-tag'] : [],
    rejected,
    questionLogProbability: rejected === 'unlikely' ? -4.7 : -0.25 - 0.2 * draw(5) - 0.1 * progress,
    answers,
    histogram: statistics?.histogram ?? [],
    majority: statistics?.majority ?? null,
    majorityCount: statistics?.majorityCount ?? 0,
    agreement: statistics?.agreement ?? 0,
    entropy,
    proposerRewards: { ...plain.proposerRewards, continuous: proposerReward },
    proposerReward: step % 5 === 0 ? proposerReward : null,
    proposerAdvantage: null,
  }
}

/** The charts with the numbers below `count`, as PNG. */
export async function drawCharts(folder: string, count: number): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (let number = 0; number < count; number++) {
    const draw = (position: number) => uniform(...at({ step: number, role: 201, position }))
    const bars = Array.from({ length: 3 + Math.floor(2 * draw(0)) }, (_, i) => {
      const height = 11 * (1 + Math.floor(9 * draw(1 + i)))
      const color = colors[names[(number + i * 2) % names.length] ?? 'red']
      return `<rect x="${28 * i + 6}" y="${107 - height}" width="16" height="${height}" fill="${color}"/>`
    })
    const svg = `<svg width="112" height="112"><rect width="112" height="112" fill="#a09b94"/>${bars.join('')}<path d="M1 0V108H112" stroke="#3c3c3c" stroke-width="2" fill="none"/></svg>`
    const png = await sharp(Buffer.from(svg)).png().toBuffer()
    writeFileSync(join(folder, `chart-${String(number).padStart(4, '0')}.png`), png)
  }
}

function at(place: { step: number; role: number; position: number }) {
  const { key, counter } = drawAt({ seed: 6, ...place })
  return [key, counter] as const
}
