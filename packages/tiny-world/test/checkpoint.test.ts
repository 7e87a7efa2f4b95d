/**
 * `fixtures/tokenizer-ids.json`: ids by Hugging Face's tokenizer for texts of the world and for others, made with
 * `make_tokenizer_ids.py` from the files that `writeStart` writes.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadVlm, type Vlm } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  chart,
  drawChart,
  labelledPairs,
  makeCheckpoint,
  measureAccuracy,
  measureSteps,
  stepSets,
  summarizeAccuracy,
  writeStart,
  type PairAccuracy,
  type StepAccuracy,
} from '../src/index'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

let folder = ''
let vlm: Vlm
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evolmm-start-'))
  await writeStart(join(folder, 'start'), { seed: 1 })
  vlm = await loadVlm(join(folder, 'start'), { threads: 1 })
})
afterAll(async () => {
  await vlm.dispose()
  await rm(folder, { recursive: true })
})

test("the tokenizer gives the ids that Hugging Face's gives, and the text back", async () => {
  const file = new URL('./fixtures/tokenizer-ids.json', import.meta.url)
  const pairs = JSON.parse(await readFile(file, 'utf8')) as [string, number[]][]
  expect(pairs.length).toBeGreaterThan(50)
  for (const [text, ids] of pairs) {
    expect(vlm.tokenizer.encode(text)).toEqual(ids)
    expect(vlm.tokenizer.decode(ids)).toBe(text)
  }
})

test('prompts are short: 32 tokens before the question, and one for each word of the world', async () => {
  const image = await vlm.encodeImage(await drawChart(chart(0)))
  const { ids, imageSpans } = vlm.prompt({ images: [image], prompt: 'Which bar is the tallest?' })
  const question = ids.indexOf(vlm.tokenizer.tokenId('<|vision_end|>') ?? -1) + 1
  expect(question).toBe(32)
  expect(imageSpans).toEqual([{ start: 15, length: 16 }])
  // Six words of the question, the end of the turn, a line break, and three to open the answer.
  expect(ids.length).toBe(32 + 6 + 5)
  // `>red` is one word for Qwen's pre-tokeniser, `>7` two.
  expect(vlm.tokenizer.encode('<answer>red</answer>').length).toBe(5)
  expect(vlm.tokenizer.encode('<answer>7</answer>').length).toBe(6)
})

test('the same seed gives the same start, another seed another one', async () => {
  const weights = async (name: string, seed: number) => {
    await writeStart(join(folder, name), { seed })
    return readFile(join(folder, name, 'model.safetensors'))
  }
  const [again, other] = [await weights('again', 1), await weights('other', 2)]
  const first = await readFile(join(folder, 'start/model.safetensors'))
  expect(again.equals(first)).toBe(true)
  expect(other.equals(first)).toBe(false)
})

test('a start knows nothing: every answer is far less likely than by chance', async () => {
  const pairs = labelledPairs({ split: 'tune', charts: 4 })
  const { all } = summarizeAccuracy(await measureAccuracy(vlm, { pairs }))
  expect(all.count).toBe(8)
  expect(all.greedy.mean).toBe(0)
  expect(all.sampled.mean).toBeLessThan(1e-6)
})

test('making a checkpoint twice, once with an interruption between the phases, gives the same bytes', async () => {
  const phases = [
    { steps: 2, lr: 1e-3 },
    { steps: 1, lr: 1e-3, wrong: 0.5 },
  ]
  const make = async (name: string, options: Partial<Parameters<typeof makeCheckpoint>[0]>) => {
    const losses: number[] = []
    const target = join(folder, name)
    await makeCheckpoint({
      folder: target,
      phases,
      batch: 1,
      onStep: ({ loss }) => losses.push(loss),
      ...options,
    })
    return { losses, weights: await readFile(join(target, 'model.safetensors')) }
  }
  const whole = await make('whole', {})
  const stateFolder = join(folder, 'state')
  await make('part', { stateFolder, phases: phases.slice(0, 1) })
  const rest = await make('rest', { stateFolder })
  expect(whole.losses.length).toBe(3)
  expect(rest.losses).toEqual(whole.losses.slice(2))
  expect(rest.weights.equals(whole.weights)).toBe(true)
  expect(whole.losses[2]).toBeLessThan(whole.losses[0])
  const loaded = await loadVlm(join(folder, 'whole'), { threads: 1 })
  await loaded.dispose()
})

test('words are added behind those that are there, and the weights of a checkpoint stay what they are', async () => {
  const from = fileURLToPath(new URL('../checkpoint', import.meta.url))
  const target = join(folder, 'more')
  // One step that is all but none.
  await makeCheckpoint({
    folder: target,
    from,
    batch: 1,
    phases: [{ steps: 1, lr: 1e-12, rationales: true }],
  })
  const models = [await loadVlm(from, { threads: 1 }), await loadVlm(target, { threads: 1 })]
  const pairs = labelledPairs({ split: 'test', charts: 3 })
  const [before, after] = await Promise.all(models.map((model) => measureAccuracy(model, { pairs })))
  for (const [i, { greedy, sampled }] of after.entries()) {
    expect(greedy).toBe(before[i].greedy)
    // Further words take next to nothing of what is likely.
    expect(Math.abs(sampled - before[i].sampled)).toBeLessThan(0.05)
  }
  const text = 'red is 3.\nblue is 5.\n3 + 5 = 8.\nThe answer is 8.'
  const [some, fewer] = models.map(({ tokenizer }) => tokenizer.encode(text))
  expect(some.length).toBeGreaterThan(fewer.length)
  expect(fewer.length).toBe(24)
  for (const model of models) await model.dispose()
})

/** A stored checkpoint on the first of the charts that its record is about, and the record. */
async function measured(name: string, options: { maxNewTokens?: number; sampledFrom?: 'samples' } = {}) {
  const stored = fileURLToPath(new URL(`../${name}`, import.meta.url))
  const { test: record } = JSON.parse(await readFile(join(stored, 'tiny-world.json'), 'utf8')) as {
    test: ReturnType<typeof summarizeAccuracy<PairAccuracy>>
  }
  const model = await loadVlm(stored, { threads: 1 })
  const pairs = labelledPairs({ split: 'test', charts: 40, questions: 4 })
  const { all } = summarizeAccuracy(await measureAccuracy(model, { pairs, ...options }))
  await model.dispose()
  return { all, record: record.all }
}

test('the stored checkpoint answers held-out charts as its record says', async () => {
  const { all, record } = await measured('checkpoint')
  // The last bits of another machine make it close, not equal.
  for (const measure of ['greedy', 'sampled', 'voted', 'agreement'] as const)
    expect(Math.abs(all[measure].mean - record[measure].mean), measure).toBeLessThan(
      1.5 * all[measure].margin,
    )
  expect(record.greedy.mean).toBeGreaterThan(0.75)
  expect(record.sampled.mean).toBeLessThan(0.6)
})

test('so does the one that writes down what it reads, whose votes know more than its greedy answers', async () => {
  const { all, record } = await measured('checkpoint-reading', { maxNewTokens: 48, sampledFrom: 'samples' })
  for (const measure of ['greedy', 'sampled', 'voted', 'agreement'] as const)
    expect(Math.abs(all[measure].mean - record[measure].mean), measure).toBeLessThan(
      1.5 * all[measure].margin,
    )
  expect(record.voted.mean).toBeGreaterThan(record.greedy.mean + 0.03)
})

test('the one for M-STaR answers at once, and explains answers with steps of which some are false', async () => {
  const stored = fileURLToPath(new URL('../checkpoint-rationales', import.meta.url))
  const { test: record } = JSON.parse(await readFile(join(stored, 'tiny-world.json'), 'utf8')) as {
    test: ReturnType<typeof summarizeAccuracy<StepAccuracy>>
  }
  const model = await loadVlm(stored, { threads: 1 })
  const asked = stepSets({ test: 20 }).test
  const { all } = summarizeAccuracy(await measureSteps(model, { asked }))
  await model.dispose()
  for (const measure of ['greedy', 'sampled', 'bare', 'explained', 'explainedProven'] as const)
    expect(Math.abs(all[measure].mean - record.all[measure].mean), measure).toBeLessThan(
      1.5 * Math.max(all[measure].margin, 0.05),
    )
  expect(record.all.bare.mean).toBeGreaterThan(0.7)
  expect(record.all.explained.mean).toBeGreaterThan(0.2)
  expect(record.all.explainedProven.mean).toBeLessThan(0.8 * record.all.explained.mean)
})
