/** A process reward model in the world of charts: from questions with answers to an adapter that scores steps. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { readLog } from '@evolmm/runs'
import { askCharts, writeAskedCharts } from '@evolmm/tiny-world'
import { loadVlm } from '@evolmm/vlm'
import { afterAll, expect, test } from 'vitest'
import {
  prm,
  readStatus,
  rewardReport,
  scoreAnswers,
  trainRewardModel,
  type JudgedSteps,
  type LabelledStep,
  type PrmOptions,
  type RewardReport,
  type Rollout,
} from '../src'
import { imageGroups } from '../src/prm/image-groups'

const model = fileURLToPath(new URL('../../tiny-world/checkpoint-rationales', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'evolmm-prm-'))
const vlm = await loadVlm(model, { threads: 1 })
const data = await writeAskedCharts(join(home, 'data'), 'train', askCharts({ split: 'evolve', charts: 8 }))
afterAll(async () => {
  await vlm.dispose()
  rmSync(home, { recursive: true })
})
/** It explains the same answer to every question, which is right for some. */
const prompt = '{question}\nExplain why it is 7.'
const learn = (folder: string, given: Partial<PrmOptions> = {}) =>
  trainRewardModel({
    ...{ model, data, output_dir: folder, lora_r: 2, lora_targets: ['v_proj'], scorer: 'exact' },
    ...{ question_prompt: prompt, max_new_tokens: 60, questions_per_run: 8, num_questions: 14 },
    ...{ num_generations: 6, most_answers: 3, num_completions: 2, held_out: 0.4 },
    ...{ total_steps: 3, warmup_steps: 0, batch_size: 2, lr: 1e-3, save_every: 1, tensorboard: false },
    openModel: () => Promise.resolve({ ...vlm, dispose: () => Promise.resolve() }),
    ...given,
  })

const linesOf = <T>(folder: string, name: string): T[] =>
  readFileSync(join(folder, 'prm', name), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as T)

/** All files but those that say when it was. */
function filesOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const paths = files.map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    paths
      .filter((path) => !/run\.json$|_log\.jsonl$|step_\d+/.test(path))
      .map((path) => [
        path.slice(folder.length),
        createHash('sha256').update(readFileSync(path)).digest('hex'),
      ]),
  )
}

interface Labels {
  place: number
  answers: { answer: number; steps: LabelledStep[] }[]
}

const whole = join(home, 'whole')
const outcome = await learn(whole)
const answered = linesOf<Rollout>(whole, 'answers.jsonl')
const labels = linesOf<Labels>(whole, 'steps.jsonl')
const questions = readFileSync(data, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { image: string; options: string[] })
const heldOut = linesOf<{ place: number; scores: number[][] }>(whole, 'held_out.jsonl')

test('answers are balanced in right and wrong, and the values of their steps are shares of completions', () => {
  const pairs = labels.flatMap(({ place, answers }) =>
    answers.map(({ answer, steps }) => {
      const { question, answers: drawn } = answered[place]
      return { ...drawn[answer], answer, labelled: steps, choice: questions[question].options.length > 0 }
    }),
  )
  expect(answered).toHaveLength(14)
  const counts = [true, false].flatMap((choice) =>
    [true, false].map(
      (right) => pairs.filter((pair) => pair.choice === choice && pair.right === right).length,
    ),
  )
  expect(counts[0]).toBeGreaterThan(1)
  expect(new Set(counts).size).toBe(1)
  for (const { answers } of labels) expect(answers.length).toBeLessThanOrEqual(3)
  expect(pairs.some(({ labelled }) => labelled.length > 1)).toBe(true)
  for (const { text, right, labelled } of pairs) {
    expect(labelled.at(-1)).toEqual({ end: text.length, value: right === true ? 1 : 0 })
    for (const { end, value } of labelled) {
      expect([0, 0.5, 1]).toContain(value)
      if (end < text.length) expect(text[end - 1]).toBe('\n')
    }
  }
})

test('what is held out has images that nothing was learned from, and is reported as a count of pairs does', async () => {
  const held = new Set(heldOut.map(({ place }) => place))
  const imageOf = (place: number) => questions[answered[place].question].image
  const learned = new Set(labels.flatMap(({ place }) => (held.has(place) ? [] : [imageOf(place)])))
  expect(held.size).toBeGreaterThan(0)
  expect(learned.size).toBeGreaterThan(0)
  for (const place of held) expect(learned.has(imageOf(place))).toBe(false)
  const judged = heldOut.flatMap(({ place, scores }) => {
    const line = labels.find((each) => each.place === place)
    return (line?.answers ?? []).map(({ answer, steps }, a) => ({
      right: answered[place].answers[answer].right === true,
      steps: steps.map(({ value }, s) => ({ value, predicted: scores[a][s] })),
    }))
  })
  const report = JSON.parse(readFileSync(join(whole, 'prm/report.json'), 'utf8')) as RewardReport
  expect((await readStatus(whole)).rewardModel).toEqual({
    answered: { done: 14, of: 14 },
    labelled: { done: labels.length, of: labels.length },
    learned: { done: 3, of: 3 },
    report,
  })
  expect(outcome).toMatchObject({ step: 3, status: 'finished', folder: join(whole, 'prm/model'), report })
  expect(report).toMatchObject({ answers: judged.length, steps: judged.flatMap(({ steps }) => steps).length })
  expect(report.answerAuc).toBeCloseTo(
    pairsWon(judged.map(({ right, steps }) => [Math.min(...steps.map((step) => step.predicted)), right])) ??
      NaN,
    12,
  )
})

/** The share of pairs of right and wrong in which the right one has more, ties one half. */
function pairsWon(all: readonly (readonly [score: number, right: boolean])[]): number | null {
  const pairs = all
    .filter(([, right]) => right)
    .flatMap(([mine]) =>
      all.filter(([, right]) => !right).map(([other]) => (mine > other ? 1 : mine === other ? 0.5 : 0)),
    )
  return pairs.length === 0 ? null : pairs.reduce((sum: number, won) => sum + won, 0) / pairs.length
}

test('the adapter is loaded again with its head, and says of steps what was written down', async () => {
  const adapter = await vlm.loadAdapter(outcome.folder)
  const [{ place, scores }] = heldOut
  const [{ answers }] = labels.filter((line) => line.place === place)
  const { question, answers: drawn } = answered[place]
  const row = questions[question] as { image: string; question: string } & (typeof questions)[number]
  const options = row.options.map((text, i) => `\n(${'ABCDEFGH'[i]}) ${text}`).join('')
  const image = await vlm.encodeImage(join(home, 'data', row.image))
  const group = {
    prompt: vlm.prompt({ images: [image], prompt: prompt.replace('{question}', row.question + options) }),
    answers: answers.map(({ answer }) => ({
      text: drawn[answer].text,
      ids: Int32Array.from(drawn[answer].ids),
    })),
  }
  const [said] = await scoreAnswers({ vlm, adapter, groups: [group] })
  expect(said).toEqual(scores)
})

test('wherever it is stopped, it ends with the files and records of one that was not', async () => {
  const parts = join(home, 'parts')
  const phases = new Set<string>()
  for (let more = true, stops = 0; more; stops++) {
    const stop = new AbortController()
    const { status } = await learn(parts, {
      signal: stop.signal,
      // The first times in what is made once, at the first piece of it.
      onProgress: ({ phase, done }) => {
        if (phase === 'score' || phases.has(phase) || done === 0) return
        phases.add(phase)
        stop.abort()
      },
      onRecord: () => {
        stop.abort()
      },
    })
    more = status === 'stopped'
    expect(stops).toBeLessThan(9)
  }
  expect([...phases]).toEqual(['generate', 'label'])
  expect(filesOf(parts)).toEqual(filesOf(whole))
  const records = async (folder: string) => {
    const all = []
    for await (const record of readLog(join(folder, 'prm'), prm)) all.push({ ...record, seconds: 0 })
    return all
  }
  expect(await records(parts)).toEqual(await records(whole))
})

test('other settings are refused: in what was begun, and in what has learned', async () => {
  await expect(learn(whole, { lr: 1 })).rejects.toMatchObject({ code: 'OTHER_CONFIGURATION' })
  const begun = join(home, 'begun')
  const stop = new AbortController()
  const onProgress = () => {
    stop.abort()
  }
  await learn(begun, { signal: stop.signal, onProgress })
  await expect(learn(begun, { temperature: 0.5 })).rejects.toMatchObject({ code: 'OTHER_CONFIGURATION' })
  await expect(learn(begun, { adapter: 'x', lora_r: 2 })).rejects.toThrow(/^adapter: must not go with lora_r/)
  await expect(
    learn(join(home, 'one-sided'), { max_new_tokens: 1, num_questions: 2, num_generations: 1 }),
  ).rejects.toMatchObject({ code: 'NOTHING_KEPT' })
})

test('a report is what its formulas say, by hand', () => {
  const answers: JudgedSteps[] = [
    {
      right: true,
      steps: [
        { predicted: 0.95, value: 1 },
        { predicted: 0.55, value: 0.75 },
      ],
    },
    {
      right: false,
      steps: [
        { predicted: 0.55, value: 0.5 },
        { predicted: -0.2, value: 0 },
      ],
    },
  ]
  const report = rewardReport(answers)
  // Steps above 1/2 have 0.95 and 0.55, the others 0.55 and -0.2: three of four pairs are won and one is a tie.
  expect(report).toMatchObject({ answers: 2, steps: 4, stepAuc: 3.5 / 4, answerAuc: 1 })
  expect(report.squaredError).toBeCloseTo((0.05 ** 2 + 0.2 ** 2 + 0.05 ** 2 + 0.2 ** 2) / 4, 12)
  const mean = 2.25 / 4
  expect(report.baselineError).toBeCloseTo(
    [1, 0.75, 0.5, 0].reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4,
    12,
  )
  // Below 0 counts as 0; the two of 0.55 are one bin, whose mean value is 0.625.
  expect(report.calibration.bins.map(({ low, count }) => [low, count])).toEqual([
    [0, 1],
    [0.5, 2],
    [0.9, 1],
  ])
  expect(report.calibration.error).toBeCloseTo((0 + 2 * 0.075 + 0.05) / 4, 12)
  expect(rewardReport([])).toMatchObject({ stepAuc: null, answerAuc: null, squaredError: null })
})

test('the curves of a report are counts of pairs', () => {
  const step = fc.record({
    predicted: fc.integer({ min: -2, max: 12 }).map((tenths) => tenths / 10),
    value: fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8),
  })
  const answer = fc.record({ right: fc.boolean(), steps: fc.array(step, { minLength: 1, maxLength: 4 }) })
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 8 }), (answers) => {
      const { stepAuc, answerAuc } = rewardReport(answers)
      const steps = answers.flatMap((one) => one.steps)
      const byStep = pairsWon(steps.map(({ predicted, value }) => [predicted, value > 0.5]))
      const byAnswer = pairsWon(
        answers.map((one) => [Math.min(...one.steps.map(({ predicted }) => predicted)), one.right]),
      )
      for (const [got, expected] of [
        [stepAuc, byStep],
        [answerAuc, byAnswer],
      ])
        if (expected === null) expect(got).toBeNull()
        else expect(got).toBeCloseTo(expected, 12)
    }),
    { seed: 4, numRuns: 200 },
  )
})

test('questions with an image in common are one group, directly or through others', () => {
  const image = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(image, { maxLength: 3 }), { maxLength: 8 }), (lists) => {
      const groups = imageGroups(lists)
      // What can be reached from a list by shared images, again and again.
      const reached = (from: number): Set<number> => {
        const seen = new Set([from])
        for (const one of seen)
          for (const [i, list] of lists.entries())
            if (list.some((each) => lists[one].includes(each))) seen.add(i)
        return seen
      }
      for (const i of lists.keys())
        for (const j of lists.keys()) expect(groups[i] === groups[j]).toBe(i === j || reached(i).has(j))
    }),
    { seed: 5, numRuns: 200 },
  )
})
