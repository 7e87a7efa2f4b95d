/**
 * A number that EvoLMM must measure first is one row of a table too, and so is a reward for everybody: each of the rows below
 * is all that there is of it, put into its table before anything is made of that.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readLog, statusLine } from '@evolmm/runs'
import { evolmm, evolmmSettings, train, type IterationRecord } from '@evolmm/trainer'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeImages } from '../../trainer/test/support/tiny-run'
import { tinyTrain } from '../../trainer/test/support/tiny-train'
import { writeReport } from '../src'
import { checkHtml } from './support/check-html'

vi.mock('../../trainer/src/record/update-fields', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../trainer/src/record/update-fields')>()
  Object.assign(original.updateFields, {
    largestReward: {
      measure: ({ rewards }) => Math.max(...rewards.flat().map(Number)),
      shown: {
        name: (role) => `${role}/reward_max`,
        meaning: 'largest reward that was learned from',
        panel: 'Extremes',
        title: 'Largest reward',
        only: { solver: { aliases: ['reward_max'], status: 'largest', compared: 'Largest reward' } },
      },
    },
  } satisfies Record<string, import('../../trainer/src/record/update-fields').UpdateField>)
  return original
})

vi.mock('../../trainer/src/record/question-fields', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../trainer/src/record/question-fields')>()
  Object.assign(original.questionFields, {
    proposerCharacters: {
      key: 'proposer_characters',
      measure: ({ proposed }) => proposed?.completion.text.length ?? null,
      shown: [
        {
          name: 'questions/characters',
          meaning: 'characters that the proposer wrote',
          over: 'mean',
          status: 'characters',
          panel: 'Extremes',
          title: 'Characters of a question',
        },
      ],
    },
  } satisfies import('../../trainer/src/record/field').Fields<import('../../trainer/src/episode').Episode>)
  return original
})

vi.mock('../../trainer/src/record/answer-fields', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../trainer/src/record/answer-fields')>()
  Object.assign(original.answerFields, {
    characters: {
      key: 'solver_characters',
      measure: ({ completion }) => completion.text.length,
      shown: [{ name: 'answers/most_characters', meaning: 'characters of the longest answer', over: 'most' }],
    },
  } satisfies import('../../trainer/src/record/field').Fields<
    import('../../trainer/src/record/answer-fields').AnswerGiven
  >)
  return original
})

vi.mock('../../trainer/src/reward-rules', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../trainer/src/reward-rules')>()
  Object.assign(original.solverRewards, {
    short: { make: () => (batch) => batch.map(({ words }) => 1 / (1 + words)) },
  } satisfies Record<string, import('../../trainer/src/reward-rules').RewardRule<{ words: number }>>)
  // The list of names is made of the table when the module begins.
  original.solverRewardNames.push('short' as never)
  return original
})

interface Richer extends IterationRecord {
  images: (IterationRecord['images'][number] & { proposerCharacters: number | null })[]
}

let home: string
let folder: string
const seen: Richer[] = []
const written: string[] = []
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-one-field-'))
  folder = join(home, 'run')
  const images = await makeImages(3)
  await train(
    tinyTrain(folder, images.folder, {
      reward: 'short' as 'discrete',
      total_steps: 2,
      batch_size: 2,
      proposer_update_freq: 2,
      tensorboard: true,
      wandb_mode: 'offline',
      trackers: [
        statusLine({ output: { write: (text) => written.push(text) }, everySeconds: 0, clock: () => 0 }),
      ],
      onRecord: (record) => seen.push(record as Richer),
    }),
  )
  await images.remove()
})
afterAll(() => {
  rmSync(home, { recursive: true })
})

const lines = (...path: string[]) =>
  readFileSync(join(folder, ...path), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** What the rows say, computed from texts and answers alone. */
const expected = (step: number) => {
  const { images } = seen[step - 1]
  const answers = images.flatMap((image) => image.answers)
  const short = answers.map(({ wordsBefore }) => 1 / (1 + wordsBefore))
  return {
    'solver/reward_max': Math.max(...short),
    reward_max: Math.max(...short),
    'questions/characters':
      images.reduce((sum, { proposerText }) => sum + proposerText.length, 0) / images.length,
    'answers/most_characters': Math.max(...answers.map(({ text }) => text.length)),
    'rewards/solver_short/mean': expect.closeTo(
      short.reduce((a, b) => a + b, 0) / short.length,
      12,
    ) as number,
  }
}

test('the log has each of them in its place, and gives them back', async () => {
  const log = lines('iter_log.jsonl')
  expect(log.map(({ step, image }) => [step, image])).toEqual([
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
  ])
  for (const line of log) {
    expect(line.solver_update).toHaveProperty('largest_reward', expected(Number(line.step)).reward_max)
    expect(line.proposer_characters).toBe(String(line.proposer_out_xml).length)
    const texts = line.solver_outputs as string[]
    expect(line.solver_characters).toEqual(texts.map(({ length }) => length))
    expect(line.solver_rewards_short).toEqual(line.solver_rewards)
  }
  const back: IterationRecord[] = []
  for await (const record of readLog(folder, evolmm)) back.push(record)
  expect(back).toEqual(seen)
})

test('TensorBoard, W&B and the status line have them by all their names', () => {
  const history = lines('wandb/journal.jsonl').map((line) => line.history)
  for (const step of [1, 2]) expect(history[step - 1]).toMatchObject(expected(step))
  const events = readdirSync(folder).find((name) => name.startsWith('events.out.tfevents.')) ?? ''
  const bytes = readFileSync(join(folder, events))
  for (const name of [...Object.keys(expected(1)), 'proposer/reward_max', 'rewards/solver_short/std'])
    expect(bytes.includes(Buffer.from([0x0a, name.length, ...Buffer.from(name)])), name).toBe(true)
  expect(written[1]).toMatch(/^2\/2, .*, largest \S+, characters \S+\n$/)
})

test('the page draws and compares them', async () => {
  const { problems, text } = checkHtml(readFileSync(await writeReport({ folder, kind: evolmm }), 'utf8'))
  expect(problems).toEqual([])
  const words = text.replace(/\s+/g, ' ')
  expect(words).toMatch(/Extremes Largest reward .*Characters of a question/)
  expect(words).toMatch(/Largest reward \d\.\d+ \d\.\d+ [+−]?\d/)
})

test('a log of before has none of them, and reads, though no row says that it came later', async () => {
  const former = fileURLToPath(new URL('../../cli/test/fixtures/former/run', import.meta.url))
  const records: Richer[] = []
  for await (const record of readLog(former, evolmm)) records.push(record as Richer)
  expect(records).toHaveLength(3)
  for (const { images, solver } of records) {
    expect(images.map(({ proposerCharacters }) => proposerCharacters)).toEqual(images.map(() => null))
    expect(solver ?? {}).not.toHaveProperty('largestReward')
    for (const { answers } of images)
      for (const { rewards } of answers) expect(rewards).toMatchObject({ short: null })
  }
})

test('the settings have the reward among their choices, and questions earn the first of theirs', () => {
  const { reward, proposer_reward: ofQuestions } = evolmmSettings.rows
  expect(reward.choices).toEqual(['continuous', 'discrete', 'short'])
  expect(ofQuestions.choices).toEqual(['continuous', 'discrete'])
  const [{ proposerReward, proposerRewards }] = seen[1].images
  expect(proposerReward).toBe(proposerRewards.continuous)
})
