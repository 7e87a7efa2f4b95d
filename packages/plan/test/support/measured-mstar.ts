/** A run of `@evolmm/mstar` as it is planned, and as the kernel measures it. Linux only. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mstarSettings, surveyQuestions, train } from '@evolmm/mstar'
import { modelOptions, pixelOptions, readSources } from '@evolmm/settings'
import { loadVlm, type Vlm } from '@evolmm/vlm'
import { largestSize, planMstar, type MstarPhase, type PlannedMemory } from '../../src/index'
import { countedTwice, peakBytes, type Flags } from './measured-run'

const read = async (flags: Flags) => (await readSources(mstarSettings, { flags })).settings

/** What the plan of these flags says. */
export async function plannedMstar(flags: Flags): Promise<PlannedMemory<MstarPhase>> {
  const settings = await read(flags)
  const survey = await surveyQuestions(settings)
  const plan = await planMstar(settings, { device: 'cpu', survey })
  return plan.estimate(largestSize(plan, survey.sizes))
}

/** Peak resident bytes of this process, which must be a new one, with each page of mapped files counted once. */
export async function measuredMstar(flags: Flags): Promise<number> {
  const settings = await read(flags)
  let twice = 0
  await train({
    ...settings,
    openModel: async () =>
      rightAnswers(await loadVlm(settings.model, { ...modelOptions(settings), ...pixelOptions(settings) })),
    onRecord: () => {
      twice = countedTwice()
    },
    onWarning: () => undefined,
  })
  return peakBytes() - twice
}

/** Random weights answer nothing right, and hardly ever end: what they draw is as long as it may be, and is said to be right. */
function rightAnswers(vlm: Vlm): Vlm {
  return {
    ...vlm,
    sample: async (options) => {
      const drawn = await vlm.sample(options)
      for (const completion of drawn.flat())
        Object.assign(completion, { text: `${completion.text}\nThe answer is 7.`, finishReason: 'stop' })
      return drawn
    },
  }
}

/** Questions about the images `0.png`, `1.png` and so on of a folder. */
export async function writeQuestions(folder: string, count: number): Promise<string> {
  const file = join(folder, 'questions.jsonl')
  const rows = Array.from({ length: count }, (_, i) => ({
    image: `${i}.png`,
    question: 'How many?',
    answer: '7',
  }))
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return file
}

/** A reward model of a rank for the model in a folder. */
export async function writeReward(folder: string, model: string, rank: number): Promise<void> {
  const vlm = await loadVlm(model, { threads: 1 })
  await vlm.saveAdapter(folder, vlm.addValueHead(vlm.createAdapter({ rank, seed: 1 })))
  await vlm.dispose()
}
