/** The parts of the loop by themselves, in the world of charts: answers, lessons, and what a folder holds. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { labelledPairs, writeLabelledPairs } from '@evolmm/tiny-world'
import { adapterArrays, loadVlm } from '@evolmm/vlm'
import { afterAll, expect, test } from 'vitest'
import {
  answerScore,
  collectRollouts,
  readRollouts,
  readStatus,
  selectLessons,
  type CollectOptions,
  type Rollout,
} from '../src'

const model = fileURLToPath(new URL('../../tiny-world/checkpoint-reading', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'evolmm-mstar-parts-'))
const vlm = await loadVlm(model, { threads: 1 })
const data = await writeLabelledPairs(join(home, 'data'), labelledPairs({ split: 'evolve', charts: 4 }))
afterAll(async () => {
  await vlm.dispose()
  rmSync(home, { recursive: true })
})
const run = join(home, 'run')
const collect = (given: Partial<CollectOptions> = {}) =>
  collectRollouts({
    ...{ model, data, output_dir: run, question_prompt: '{question}', steps_by: 'sentences' },
    ...{ num_questions: 6, num_generations: 4, max_new_tokens: 40, questions_per_run: 2 },
    openModel: () => Promise.resolve({ ...vlm, dispose: () => Promise.resolve() }),
    ...given,
  })

async function all(file: string): Promise<Rollout[]> {
  const stored = await readRollouts(file)
  const rollouts = await Promise.all(Array.from({ length: stored.length }, (_, i) => stored.at(i)))
  await stored.close()
  return rollouts
}

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { images: string[]; turns: { prompt: string; completion: string }[] })

test('answers are kept on disk, go on where a signal ended them, and are asked once', async () => {
  const whole = await collect()
  expect(whole).toMatchObject({ status: 'finished', file: join(run, 'rollouts/answers.jsonl') })
  const rollouts = await all(whole.file)
  const drawn = rollouts.flatMap(({ answers }) => answers)
  const count = (some: typeof drawn) => some.reduce((sum, answer) => sum + answer.count, 0)
  expect(new Set(rollouts.map(({ question }) => question)).size).toBe(6)
  expect(whole.counts).toEqual({
    ...{ questions: 6, answers: 24, distinct: drawn.length, scored: 0 },
    right: count(drawn.filter(({ right }) => right === true)),
    unreadable: count(drawn.filter(({ reading }) => reading === null)),
  })
  const other = join(home, 'other')
  const stop = new AbortController()
  const stopped = await collect({
    output_dir: other,
    signal: stop.signal,
    onProgress: () => {
      stop.abort()
    },
  })
  expect(stopped).toMatchObject({ status: 'stopped', counts: null })
  expect((await readStatus(other)).rollouts).toEqual([{ name: 'answers', written: 2, of: 6 }])
  const again = await collect({ output_dir: other })
  expect(readFileSync(again.file, 'utf8')).toBe(readFileSync(whole.file, 'utf8'))
  const sample = () => Promise.reject(new Error('asked again'))
  expect(
    await collect({ openModel: () => Promise.resolve({ ...vlm, sample, dispose: () => Promise.resolve() }) }),
  ).toEqual(whole)
  await expect(collect({ temperature: 0.5 })).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
    message: expect.stringContaining('got other settings') as string,
  })
})

test('right answers become lessons, each with its question and images', async () => {
  const { file, ...counts } = await selectLessons({
    output_dir: run,
    data,
    question_prompt: 'Look. {question}',
  })
  const rollouts = await all(join(run, 'rollouts/answers.jsonl'))
  const rows = readFileSync(data, 'utf8').trim().split('\n')
  const expected = rollouts.flatMap(({ question, answers }) => {
    const row = JSON.parse(rows[question]) as { image: string; question: string }
    return answers
      .filter(({ right }) => right === true)
      .map(({ text }) => ({
        images: [join(home, 'data', row.image)],
        turns: [{ prompt: `Look. ${row.question}`, completion: text }],
      }))
  })
  expect(expected.length).toBeGreaterThan(2)
  expect(lines(file)).toEqual(expected)
  expect(counts).toMatchObject({ kept: expected.length, questions: 6, answers: 24, alpha: null })
  const some = await selectLessons({
    ...{ output_dir: run, data, question_prompt: 'Look. {question}', most_lessons: 2, lessons: 'few' },
  })
  expect(some.kept).toBe(2)
  for (const line of lines(some.file)) expect(expected).toContainEqual(line)
  expect(await readStatus(run)).toEqual({
    loop: null,
    rewardModel: null,
    rollouts: [{ name: 'answers', written: 6, of: 6 }],
    lessons: [
      { name: 'few', written: 2, of: 2 },
      { name: 'lessons', written: expected.length, of: expected.length },
    ],
  })
})

test('a reward model scores the answers that are there, and what it likes is kept', async () => {
  const select = { output_dir: run, data, question_prompt: '{question}', lessons: 'liked' }
  await expect(selectLessons({ ...select, selection: 'top-k' })).rejects.toMatchObject({ code: 'NO_SCORES' })
  const headed = vlm.addValueHead(vlm.createAdapter({ rank: 1, seed: 1 }))
  const head = adapterArrays(headed).get('score.weight')?.data as Float32Array
  for (const i of head.keys()) head[i] = Math.sin(i) / 20
  const reward_model = join(home, 'reward')
  await vlm.saveAdapter(reward_model, headed)
  const scored = await collect({ reward_model })
  expect(scored.file).toBe(join(run, 'rollouts/answers_scored.jsonl'))
  expect(scored.counts?.scored).toBe(scored.counts?.distinct)
  const plain = await all(join(run, 'rollouts/answers.jsonl'))
  const rollouts = await all(scored.file)
  expect(rollouts.map(({ answers }) => answers.map((answer) => ({ ...answer, steps: null })))).toEqual(
    plain.map(({ answers }) => answers),
  )
  const best = rollouts.flatMap(({ answers }) => {
    const right = answers.filter((answer) => answer.right === true)
    const most = Math.max(...right.map(({ steps }) => answerScore(steps ?? []) ?? NaN))
    return right.filter(({ steps }) => answerScore(steps ?? []) === most).map(({ text }) => text)
  })
  const { file } = await selectLessons({ ...select, selection: 'top-k', select_k: 1 })
  expect(lines(file).map(({ turns }) => turns[0].completion)).toEqual(best)
  const threshold = { ...select, selection: 'threshold' } as const
  await expect(selectLessons(threshold)).rejects.toThrow(/select_alpha: must be given, .*validation_rollouts/)
  const { alpha, kept } = await selectLessons({ ...threshold, validation_rollouts: 'answers' })
  const right = rollouts.flatMap(({ answers }) => answers.filter((answer) => answer.right === true))
  expect(kept).toBe(right.filter(({ steps }) => (answerScore(steps ?? []) ?? NaN) > (alpha ?? NaN)).length)
})

test('answers to other questions are refused, and a folder of nothing', async () => {
  const other = join(home, 'other.jsonl')
  writeFileSync(other, '{"image":"x.png","question":"a","answer":"b"}\n')
  await expect(selectLessons({ output_dir: run, data: other })).rejects.toMatchObject({
    code: 'INVALID_ROLLOUTS',
    message: expect.stringMatching(/^data: must be the questions that were answered/) as string,
  })
  await expect(selectLessons({ output_dir: run, data, rollouts: '../x' })).rejects.toThrow(/rollouts: must/)
  await expect(readStatus(join(home, 'nowhere'))).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
})
