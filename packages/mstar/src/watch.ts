/** What the policy does on validation questions: after each cycle, and at each temperature that may be chosen. */
import { join } from 'node:path'
import { publishedTemperatures, temperatureGrid, type ScoredTemperature } from '@evolmm/rl-core'
import { answerScore } from './answer-score'
import { dynamics, type Dynamics, type MonitoredQuestion } from './monitor'
import type { Questions } from './open-questions'
import { answersOnDisk, policyDigest, promptOf, type Models } from './policy'
import { phaseProgress, type PhaseProgress, type ProgressListener } from './progress'
import type { RolledAnswer } from './rollout'
import type { RolloutsFile } from './rollouts-file'
import type { MstarSettings } from './settings'
import { splitSteps } from './split-steps'

export interface Watched {
  models: Models
  settings: MstarSettings
  validation: Questions
  /** The folder of the run. */
  folder: string
  /** The cycle that comes before, 0 at the start. */
  cycle: number
  temperature: number
  onProgress?: ProgressListener | undefined
}

/** Numbers that set the seeds of watching apart from those of learning. */
const [greedySeed, sampledSeed, sweepSeed] = [1, 2, 3]

/** Answers whose log-probabilities are compared with those of scoring. */
const gapAnswers = 16

/** What is watched, and the largest distance between the log-probabilities of sampling and of scoring. */
export interface WatchedDynamics extends Dynamics {
  /** Undefined where nothing could be compared. */
  samplerGap: number | undefined
}

/** The numbers of section 3.7, with answers kept on disk; it goes on where a kill has left it. */
export async function watch(watched: Watched): Promise<WatchedDynamics> {
  const { settings, validation, cycle, onProgress } = watched
  const numbers = Array.from({ length: validation.length }, (_, i) => i)
  const total = validation.length * (1 + settings.num_generations)
  const progress = phaseProgress({ phase: 'monitor', cycle, total }, onProgress)
  const file = `monitor/${name(cycle)}_greedy.jsonl`
  const greedy = await asked(watched, numbers, file, {
    ...{ samples: 1, temperature: 0, seed: greedySeed, progress },
  })
  const sampled = await sampledAnswers(watched, progress)
  try {
    const found: MonitoredQuestion[] = []
    for (const number of numbers)
      found.push({
        greedy: (await greedy.at(number)).answers[0]?.right === true,
        answers: (await sampled.at(number)).answers.map((answer) => monitored(answer, settings)),
      })
    return { ...dynamics(found), samplerGap: await samplerGap(watched, sampled) }
  } finally {
    await greedy.close()
    await sampled.close()
  }
}

/** Drawn answers to all validation questions, in the order of their numbers. */
export function sampledAnswers(watched: Watched, progress: PhaseProgress): Promise<RolloutsFile> {
  const { settings, temperature, validation, cycle } = watched
  const numbers = Array.from({ length: validation.length }, (_, i) => i)
  return asked(watched, numbers, `monitor/${name(cycle)}_sampled.jsonl`, {
    ...{ samples: settings.num_generations, temperature, seed: sampledSeed, progress },
  })
}

/**
 * The first answer to each of the first questions, one at a time: no run is larger than a step of learning may be, and each
 * gives the same bits whenever it is made.
 */
async function samplerGap(
  { models: { vlm, policy }, settings, validation }: Watched,
  sampled: RolloutsFile,
): Promise<number | undefined> {
  const gaps: number[] = []
  for (let place = 0; place < Math.min(gapAnswers, sampled.length); place++) {
    const { question, answers } = await sampled.at(place)
    const prompt = await promptOf(vlm, settings, await validation.at(question))
    const completions = answers.slice(0, 1)
    const { samplerGap: gap } = await vlm.score({ groups: [{ prompt, completions }], adapter: policy })
    if (gap !== undefined) gaps.push(gap)
  }
  return gaps.length === 0 ? undefined : Math.max(...gaps)
}

/** The temperature with the highest Reward-Pass@2, and that of each; equal ones: the nearest to what it is. */
export async function chooseTemperature(
  watched: Watched,
): Promise<{ temperature: number; scores: ScoredTemperature[] }> {
  const { settings, validation, cycle, temperature, onProgress } = watched
  const count = Math.min(validation.length, settings.sweep_questions ?? validation.length)
  const numbers = Array.from({ length: count }, (_, i) => i)
  const controller = temperatureGrid({ every: settings.temperature_every })
  const total = publishedTemperatures.length * count * settings.num_generations
  // A sweep belongs to the cycle that it chooses for.
  const progress = phaseProgress({ phase: 'sweep', cycle: cycle + 1, total }, onProgress)
  const { state, scores } = await controller.search(
    async (one) => {
      const file = `sweep/${name(cycle)}_${one.toFixed(1)}.jsonl`
      const sampled = await asked(watched, numbers, file, {
        ...{ samples: settings.num_generations, temperature: one, seed: sweepSeed, progress },
      })
      try {
        const found: MonitoredQuestion[] = []
        for (const number of numbers)
          found.push({
            greedy: false,
            answers: (await sampled.at(number)).answers.map((answer) => monitored(answer, settings)),
          })
        return dynamics(found).rewardPass2
      } finally {
        await sampled.close()
      }
    },
    { temperature },
  )
  return { temperature: state.temperature, scores }
}

interface Asked {
  samples: number
  temperature: number
  seed: number
  progress: PhaseProgress
}

async function asked(
  { models, settings, validation, folder, cycle }: Watched,
  numbers: readonly number[],
  file: string,
  { samples, temperature, seed, progress }: Asked,
): Promise<RolloutsFile> {
  const stored = await answersOnDisk(models, settings, {
    file: join(folder, file),
    head: { cycle, policy: policyDigest(models), temperature, samples, questions: numbers.length },
    ...{ questions: validation, numbers, samples, temperature, progress },
    seed: [settings.seed, cycle, seed, Math.round(1000 * temperature)],
  })
  if (stored === undefined) throw new Error('internal: watching has no signal')
  return stored
}

function monitored(
  { text, ids, count, reading, right, steps }: RolledAnswer,
  { steps_by: rule }: MstarSettings,
): MonitoredQuestion['answers'][number] {
  return {
    ...{ reading, count, right: right === true, tokens: ids.length },
    score: steps === null ? null : (answerScore(steps) ?? 0),
    steps: splitSteps(text, rule).length,
  }
}

/** A file's beginning by the cycle. */
export function name(cycle: number): string {
  return `cycle_${String(cycle).padStart(4, '0')}`
}
