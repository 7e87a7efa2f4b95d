/** M-STaR as a run on disk, in the world of charts: the stored model that writes down what it reads learns from its own answers. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { metricsOf, readLog } from '@evolmm/runs'
import { labelledPairs, writeLabelledPairs } from '@evolmm/tiny-world'
import { adapterArrays, loadVlm } from '@evolmm/vlm'
import { afterAll, expect, test } from 'vitest'
import { writeReport } from '../../report/src'
import { withoutTimes } from '../../report/test/support/without-times'
import {
  mstar,
  train,
  type MstarOptions,
  type MstarProgress,
  type MstarRecord,
  type RolledAnswer,
  type Rollout,
} from '../src'

const model = fileURLToPath(new URL('../../tiny-world/checkpoint-reading', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'evolmm-mstar-'))
/** The model is opened once for all runs. */
const vlm = await loadVlm(model, { threads: 1 })
afterAll(async () => {
  await vlm.dispose()
  rmSync(home, { recursive: true })
})
const data = await writeLabelledPairs(join(home, 'data'), labelledPairs({ split: 'evolve', charts: 12 }))
const validation = await writeLabelledPairs(
  join(home, 'validation'),
  labelledPairs({ split: 'tune', charts: 2 }),
)

const learn = (folder: string, given: Partial<MstarOptions> = {}) =>
  train({
    ...{
      model,
      data,
      validation,
      output_dir: folder,
      use_lora: true,
      lora_r: 4,
      lora_targets: ['v_proj', 'down_proj'],
    },
    ...{
      question_prompt: '{question}',
      interval: 8,
      num_generations: 4,
      max_new_tokens: 40,
      questions_per_run: 4,
    },
    ...{ total_steps: 6, batch_size: 8, lr: 1e-4, save_every: 1, report: false, tensorboard: false },
    openModel: () => Promise.resolve({ ...vlm, dispose: () => Promise.resolve() }),
    ...given,
  })

async function records(folder: string): Promise<MstarRecord[]> {
  const all: MstarRecord[] = []
  for await (const record of readLog(folder, mstar))
    all.push({ ...record, seconds: 0, phases: { generate: 0, monitor: 0, sweep: 0 } })
  return all
}

const rollouts = (folder: string, file: string): Rollout[] =>
  readFileSync(join(folder, `rollouts/${file}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as Rollout)

/** The page of a run, the folder of its settings and the times left out. */
async function pageOf(folder: string): Promise<string> {
  const file = await writeReport({ folder, kind: mstar, output: `${folder}.html` })
  return withoutTimes(readFileSync(file, 'utf8')).replaceAll(folder, '').replaceAll(basename(folder), '')
}

/** All files of a run but those that say when it was. */
function filesOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/run\.json$|_log\.jsonl$|step_\d+|README/.test(path))
      .map((path) => [
        path.slice(folder.length),
        createHash('sha256').update(readFileSync(path)).digest('hex'),
      ]),
  )
}

test('a run generates, keeps what is right, learns each of that once, and says what became of it', async () => {
  const folder = join(home, 'whole')
  expect(await learn(folder)).toEqual({ step: 6, status: 'finished' })
  const all = await records(folder)
  expect(all.map(({ step, cycle }) => [step, cycle])).toEqual(all.map(({ cycle }, i) => [i + 1, cycle]))
  const asked = [1, 2].map((cycle) => rollouts(folder, `cycle_000${cycle}`).map(({ question }) => question))
  // Eight questions each, of 24: no question twice.
  expect(asked.map((numbers) => numbers.length)).toEqual([8, 8])
  expect(new Set(asked.flat()).size).toBe(16)
  for (const cycle of [1, 2]) {
    const drawn = rollouts(folder, `cycle_000${cycle}`).flatMap(({ answers }) => answers)
    const count = (some: readonly RolledAnswer[]) => some.reduce((sum, answer) => sum + answer.count, 0)
    const right = drawn.filter((answer) => answer.right === true)
    const steps = all.filter((record) => record.cycle === cycle)
    expect(steps[0].generated).toMatchObject({
      ...{ questions: 8, answers: count(drawn), distinct: drawn.length, kept: right.length },
      right: count(right) / count(drawn),
    })
    expect(count(drawn)).toBe(32)
    // One pass over what was kept, eight at a time.
    expect(steps.reduce((sum, { answers }) => sum + answers, 0)).toBe(right.length)
    expect(steps.map(({ answers }) => answers)).toEqual(
      steps.map((_, i) => Math.min(8, right.length - 8 * i)),
    )
    expect(steps.map(({ generated }) => generated !== null)).toEqual(steps.map((_, i) => i === 0))
    expect(steps.map(({ examples }) => examples?.length)).toEqual(
      steps.map((_, i) => (i === 0 ? 3 : undefined)),
    )
    // Places 1, 4 and 6 of eight, with all that was drawn, by what became of it.
    for (const [e, example] of (steps[0].examples ?? []).entries()) {
      const { question, answers } = rollouts(folder, `cycle_000${cycle}`)[[1, 4, 6][e]]
      expect(example).toMatchObject({ question, isFurther: false, isVoted: false })
      const { kept, left, wrong } = example
      expect(kept.drawn).toBe(count(answers.filter((answer) => answer.right === true)))
      expect(left.drawn).toBe(0)
      expect(wrong.drawn).toBe(count(answers) - kept.drawn)
      expect(readFileSync(example.image ?? '').length).toBeGreaterThan(0)
    }
    expect(steps.map(({ dynamics }) => dynamics !== null)).toEqual(
      steps.map((_, i) => i === steps.length - 1),
    )
  }
  expect(readdirSync(join(folder, 'model'))).toContain('adapter_model.safetensors')
})

test('what is watched is in the numbers of the last step of a cycle, how far sampling is from scoring among them', async () => {
  const all = await records(join(home, 'whole'))
  const last = all[5]
  const { dynamics } = last
  const found = metricsOf(mstar.metrics, last)
  expect(found).toMatchObject({
    ...{ greedy: dynamics?.greedy, headroom: dynamics?.headroom, majority: dynamics?.majority },
    ...{ pass_at_1: dynamics?.pass['1'], pass_at_2: dynamics?.pass['2'], pass_at_4: dynamics?.pass['4'] },
    ...{ pass_at_all: dynamics?.pass['4'], none_right: dynamics?.noneRight, all_right: dynamics?.allRight },
    ...{ answer_tokens: dynamics?.tokens, answer_steps: dynamics?.steps },
  })
  // The two differ by rounding alone, and not by nothing.
  expect(found.sampler_gap).toBeGreaterThan(0)
  expect(found.sampler_gap).toBeLessThan(1e-3)
  for (const absent of ['pass_at_8', 'reward_pass_at_2', 'weighted_majority'])
    expect(found).not.toHaveProperty(absent)
})

test('wherever a run is stopped, it ends with the files and records of one that was not', async () => {
  const whole = join(home, 'whole')
  const parts = join(home, 'parts')
  let stops = 0
  for (let more = true; more; stops++) {
    const stop = new AbortController()
    const { status } = await learn(parts, {
      signal: stop.signal,
      onRecord: () => {
        stop.abort()
      },
      // Following a run changes nothing of it.
      onProgress: () => undefined,
    })
    more = status === 'stopped'
  }
  expect(stops).toBe(6)
  expect(await records(parts)).toEqual(await records(whole))
  expect(filesOf(parts)).toEqual(filesOf(whole))
  const [page, other] = await Promise.all([whole, parts].map(pageOf))
  expect(page).toContain('Greedy and pass@k')
  expect(page).toContain('The latest cycles')
  expect(other).toBe(page)
})

test('answers that were cut off are asked again, and no others', async () => {
  const whole = join(home, 'whole')
  const folder = join(home, 'cut')
  const stop = new AbortController()
  await learn(folder, {
    signal: stop.signal,
    onRecord: () => {
      stop.abort()
    },
  })
  // The second cycle has answers already, the last of them cut off; a monitor too.
  mkdirSync(join(folder, 'rollouts'), { recursive: true })
  const bytes = readFileSync(join(whole, 'rollouts/cycle_0002.jsonl'))
  writeFileSync(join(folder, 'rollouts/cycle_0002.jsonl'), bytes.subarray(0, Math.floor(bytes.length / 2)))
  const told: MstarProgress[] = []
  await learn(folder, { onProgress: (progress) => told.push(progress) })
  expect(filesOf(folder)).toEqual(filesOf(whole))
  // What was there says nothing about the pace.
  const asked = told.filter(({ phase, cycle }) => phase === 'generate' && cycle === 2)
  const there =
    4 *
    (bytes
      .subarray(0, Math.floor(bytes.length / 2))
      .toString()
      .split('\n').length -
      2)
  expect(asked[0]).toEqual({
    ...{ phase: 'generate', cycle: 2, total: 32 },
    ...{ done: there, secondsLeft: undefined },
  })
  expect(asked.at(-1)).toEqual({ ...{ phase: 'generate', cycle: 2, total: 32 }, done: 32, secondsLeft: 0 })
})

test('what the run has begun to learn cannot be written again: its answers must be there', async () => {
  const folder = join(home, 'lost')
  const stop = new AbortController()
  await learn(folder, {
    signal: stop.signal,
    onRecord: () => {
      stop.abort()
    },
  })
  const file = join(folder, 'rollouts/cycle_0001.jsonl')
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.subarray(0, -10))
  await expect(learn(folder)).rejects.toMatchObject({ code: 'INVALID_ROLLOUTS', details: { file } })
  rmSync(file)
  await expect(learn(folder)).rejects.toMatchObject({ code: 'INVALID_ROLLOUTS' })
  writeFileSync(file, bytes)
  expect(await learn(folder)).toMatchObject({ status: 'finished' })
})

test('weights, optimizer and rate go on, or begin anew with each cycle', async () => {
  const rates = async (variant: 'continuous' | 'rft' | 'restem') => {
    const folder = join(home, variant)
    await learn(folder, { variant, warmup_ratio: 0.5, save_every: 0 })
    return (await records(folder)).map(({ cycle, learningRate, loss }) => ({ cycle, learningRate, loss }))
  }
  const [continuous, rft, restem] = [await rates('continuous'), await rates('rft'), await rates('restem')]
  // The rise is over half of all steps, or over half of each cycle's.
  expect(continuous.map(({ learningRate }) => learningRate)).toEqual(
    continuous.map((_, i) => 1e-4 * Math.min(1, i / 3)),
  )
  for (const all of [rft, restem])
    for (const cycle of new Set(all.map((each) => each.cycle))) {
      const own = all.filter((each) => each.cycle === cycle)
      expect(own[0].learningRate).toBeLessThan(1e-4)
      if (own.length > 2) expect(own.at(-1)?.learningRate).toBe(1e-4)
    }
  // The first cycle is the same but for its rates; later ones begin with other weights.
  expect(rft[0].loss).toBe(restem[0].loss)
  const second = (all: typeof rft) => all.find(({ cycle }) => cycle === 2)?.loss
  expect(second(rft)).not.toBe(second(restem))
})

async function saveRewardModel(): Promise<string> {
  const headed = vlm.addValueHead(vlm.createAdapter({ rank: 1, seed: 1 }))
  const head = adapterArrays(headed).get('score.weight')?.data as Float32Array
  for (const i of head.keys()) head[i] = Math.sin(i) / 20
  const folder = join(home, 'reward')
  await vlm.saveAdapter(folder, headed, { overwrite: true })
  return folder
}

test('a reward model chooses among right answers, and the temperature', async () => {
  const reward_model = await saveRewardModel()
  const folder = join(home, 'scored')
  const told: MstarProgress[] = []
  await learn(folder, {
    onProgress: (progress) => told.push(progress),
    ...{
      reward_model,
      selection: 'top-k',
      select_k: 1,
      steps_by: 'sentences',
      question_prompt: '{question}',
    },
    ...{ adaptive_temperature: true, temperature_every: 1, sweep_questions: 2, num_generations: 3 },
    ...{ interval: 4, total_steps: 3, save_every: 0 },
  })
  const all = await records(folder)
  const scoreOf = ({ steps }: RolledAnswer) => Math.min(...(steps ?? []))
  for (const { cycle, generated, answers } of all.filter((record) => record.generated !== null)) {
    const best = rollouts(folder, `cycle_000${cycle}`).flatMap(({ answers: drawn }) => {
      const right = drawn.filter((answer) => answer.right === true)
      return right.length === 0 ? [] : [Math.max(...right.map(scoreOf))]
    })
    expect(generated?.kept).toBe(best.length)
    expect(answers).toBe(best.length)
  }
  expect(all[0].sweep).toBeNull()
  const { sweep, temperature } = all.find(({ cycle }) => cycle === 2) ?? {}
  expect(sweep?.map((one) => one.temperature)).toEqual(Array.from({ length: 14 }, (_, i) => (i + 3) / 10))
  const most = Math.max(...(sweep ?? []).map(({ score }) => score))
  const likeliest = (sweep ?? []).filter(({ score }) => score === most)
  const distance = (one: number) => Math.round(1e6 * Math.abs(one - 1))
  expect(distance(temperature ?? NaN)).toBe(Math.min(...likeliest.map((one) => distance(one.temperature))))
  expect(all.at(-1)?.dynamics?.rewardPass2).not.toBeNull()
  // Each phase of each cycle says how far it is: three answers to four questions, to two at each of 14 temperatures, and to
  // validation questions, which have a greedy one besides.
  const watched = readFileSync(validation, 'utf8').trim().split('\n').length
  for (const cycle of new Set(all.map((record) => record.cycle))) {
    const totals = {
      sweep: 14 * 2 * 3,
      generate: 4 * 3,
      learn: all.filter((one) => one.cycle === cycle).length,
    }
    for (const [phase, total] of Object.entries({ ...totals, monitor: watched * 4 })) {
      const own = told.filter((one) => one.phase === phase && one.cycle === cycle)
      if (phase === 'sweep' && cycle === 1) expect(own).toEqual([])
      else expect(own.at(-1)).toEqual({ phase, cycle, total, done: total, secondsLeft: 0 })
      const counts = own.map(({ done }) => done)
      expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b))
    }
  }
})

test('a function scores steps in place of a reward model, and is told what it may know', async () => {
  const folder = join(home, 'function')
  const one = { total_steps: 1, batch_size: 64, interval: 4, validation: undefined }
  const chosen = { ...one, reward_model: 'lengths', selection: 'top-k', select_k: 1 } as const
  const images: unknown[] = []
  await learn(folder, {
    ...chosen,
    scoreSteps: ({ question, answers }) => {
      images.push(...question.images)
      return answers.map(({ steps }) => steps.map((step) => step.length))
    },
  })
  const drawn = rollouts(folder, 'cycle_0001')
  for (const { answers } of drawn)
    for (const { text, steps } of answers)
      expect(steps).toEqual(text.split('\n').flatMap((line) => line.trim().length || []))
  expect(images).toHaveLength(4)
  const [{ generated }] = await records(folder)
  expect(generated?.kept).toBe(
    drawn.filter(({ answers }) => answers.some(({ right }) => right === true)).length,
  )
  await expect(learn(`${folder}-nameless`, { ...one, scoreSteps: () => [] })).rejects.toThrow(
    /^reward_model: must be a name for scoreSteps/,
  )
  await expect(learn(`${folder}-short`, { ...chosen, scoreSteps: () => [] })).rejects.toThrow(
    /^scoreSteps: must be a list of \d, got 0/,
  )
})

test('a threshold is chosen before each cycle on what is watched, and a run that was stopped has the same', async () => {
  const given = {
    ...({ selection: 'threshold', steps_by: 'sentences' } as const),
    reward_model: await saveRewardModel(),
    ...{ num_generations: 3, interval: 4, total_steps: 4, batch_size: 2 },
  }
  const [whole, parts] = [join(home, 'threshold'), join(home, 'threshold in parts')]
  await learn(whole, given)
  const all = await records(whole)
  const drawn = (file: string) =>
    readFileSync(join(whole, `${file}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .flatMap((line) => (JSON.parse(line) as Rollout).answers)
      .map((answer) => ({ ...answer, score: Math.min(...(answer.steps ?? [])) }))
  const cycles = all.filter(({ generated }) => generated !== null)
  expect(cycles.length).toBeGreaterThan(1)
  for (const { cycle, alpha, generated } of cycles) {
    // What was watched after the cycle before, or at the start.
    const watched = drawn(`monitor/cycle_000${cycle - 1}_sampled`)
    const share = (right: boolean, above: number) => {
      const side = watched.filter((answer) => answer.right === right)
      const sum = (some: typeof side) => some.reduce((total, { count }) => total + count, 0)
      return sum(side.filter(({ score }) => score > above)) / Math.max(1, sum(side))
    }
    const worth = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => share(true, i / 10) - share(false, i / 10))
    expect(alpha).toBe(worth.indexOf(Math.max(...worth)) / 10)
    const kept = drawn(`rollouts/cycle_000${cycle}`).filter(
      ({ right, score }) => right === true && score > (alpha ?? NaN),
    )
    expect(generated?.kept).toBe(kept.length)
  }
  for (let more = true; more;) {
    const stop = new AbortController()
    const onRecord = () => {
      stop.abort()
    }
    const hooks = { signal: stop.signal, onRecord }
    more = (await learn(parts, { ...given, ...hooks })).status === 'stopped'
  }
  expect(await records(parts)).toEqual(all)
  expect(filesOf(parts)).toEqual(filesOf(whole))
})

test('questions without answers come in late, and what most of their answers say is taken for right', async () => {
  const unlabelled = await writeLabelledPairs(
    join(home, 'unlabelled'),
    labelledPairs({ split: 'test', charts: 4 }),
  )
  const folder = join(home, 'voted')
  await learn(folder, { unlabelled, unlabelled_from: 0.3, validation: undefined, num_generations: 5 })
  const all = (await records(folder)).filter(({ generated }) => generated !== null)
  const files = readdirSync(join(folder, 'rollouts')).sort()
  // A cycle has two steps at least, of six: the first is without them.
  expect(files.slice(0, 2)).toEqual(['cycle_0001.jsonl', 'cycle_0002.jsonl'])
  const late = files.filter((file) => file.endsWith('_unlabelled.jsonl'))
  expect(late.length).toBe(all.length - 1)
  for (const { cycle, generated } of all.slice(1)) {
    const labelled = rollouts(folder, `cycle_000${cycle}`).flatMap(({ answers }) => answers)
    const groups = rollouts(folder, `cycle_000${cycle}_unlabelled`).map(({ answers }) => answers)
    expect(groups.flat().every(({ right }) => right === null)).toBe(true)
    // The most frequent reading of each question, the first of equal ones.
    const voted = groups.map((answers) => {
      const said = answers.flatMap(({ reading, count }) => new Array<string | null>(count).fill(reading))
      const known = said.filter((reading) => reading !== null)
      const most = Math.max(...known.map((reading) => known.filter((other) => other === reading).length))
      const winner = known.find((reading) => known.filter((other) => other === reading).length === most)
      return answers.filter(({ reading }) => reading !== null && reading === winner).length
    })
    const right = labelled.filter((answer) => answer.right === true).length
    expect(generated?.kept).toBe(right + voted.reduce((sum, count) => sum + count, 0))
    expect(generated?.questions).toBe(16)
  }
})

test('rationales are asked for with their answers, and learned without; some of what was kept, by chance', async () => {
  const folder = join(home, 'warm')
  const asked: string[] = []
  const learned: string[] = []
  await learn(folder, {
    ...{ give_answers: true, rationale_prompt: '{question} ({answer})', most_lessons: 5, total_steps: 1 },
    validation: undefined,
    openModel: () =>
      Promise.resolve({
        ...vlm,
        dispose: () => Promise.resolve(),
        prompt: (options) => {
          asked.push(options.prompt ?? '')
          return vlm.prompt(options)
        },
        group: (options) => {
          learned.push(...options.turns.map(({ prompt }) => prompt))
          return vlm.group(options)
        },
      }),
  })
  const rows = readFileSync(data, 'utf8').trim().split('\n')
  const known = rows.map((row) => JSON.parse(row) as { question: string; answer: string })
  const texts = new Set(known.map(({ question, answer }) => `${question} (${answer})`))
  expect(asked).toHaveLength(8)
  expect(asked.every((text) => texts.has(text))).toBe(true)
  const plain = new Set(known.map(({ question }) => question))
  expect(learned).toHaveLength(5)
  expect(learned.every((text) => plain.has(text))).toBe(true)
  const [{ generated }] = await records(folder)
  expect(generated?.kept).toBe(5)
})

test('bare answers are learned without a single sample', async () => {
  const folder = join(home, 'sft')
  const allWeights = { use_lora: false, lora_r: undefined, lora_targets: undefined }
  await learn(folder, { variant: 'sft', ...allWeights, validation: undefined, total_steps: 3, batch_size: 4 })
  const all = await records(folder)
  expect(all.map(({ answers, generated, dynamics }) => ({ answers, generated, dynamics }))).toEqual(
    all.map(() => ({ answers: 4, generated: null, dynamics: null })),
  )
  expect(readdirSync(folder)).not.toContain('rollouts')
  expect(readdirSync(join(folder, 'model'))).toContain('model.safetensors')
})

test('a policy that never answers right ends with one error, and says what to do', async () => {
  const folder = join(home, 'never')
  await expect(
    learn(folder, { max_new_tokens: 1, validation: undefined, interval: 2, num_generations: 1 }),
  ).rejects.toMatchObject({ code: 'NOTHING_KEPT', message: expect.stringContaining('cycle 3') as string })
})

test.each<[Partial<MstarOptions>, string]>([
  [{ selection: 'top-k' }, 'reward_model'],
  [{ selection: 'threshold', select_alpha: 0.5 }, 'reward_model'],
  [{ selection: 'threshold', reward_model: 'reward', validation: undefined }, 'validation'],
  [{ adaptive_temperature: true }, 'reward_model'],
  [{ temperature_every: 3 }, 'adaptive_temperature'],
  [{ interval: 0 }, 'interval'],
  [{ data: join(tmpdir(), 'nowhere.jsonl') }, 'nowhere.jsonl'],
])('%j is refused before a model is opened', async (given, said) => {
  const openModel = () => Promise.reject(new Error('opened'))
  await expect(learn(join(home, 'refused'), { ...given, openModel })).rejects.toThrow(said)
})
