/** Several processes at one global batch are one process at that batch, up to the rounding of sums. */
import { readFile, writeFile } from 'node:fs/promises'
import { openImageDataset } from '@evolmm/dataset'
import type { ProcessGroup } from '@evolmm/rl-core'
import type { Vlm } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { evolve, startState, type EvolmmGiven, type EvolveOptions, type IterationRecord } from '../src/index'
import { scripted } from './support/scripted'
import { simulatedGroup } from './support/simulated-group'
import { timeless } from './support/timeless'
import { makeImages, sense, tinyForAll, tinyOptions } from './support/tiny-run'
import { textReward } from './support/tiny-train'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const { vlm, images } = await tinyForAll(6)

/** The settings and parts that differ from those of all runs here. */
type Given = Partial<Omit<EvolveOptions, 'settings'>> & { settings?: EvolmmGiven }

interface Trained {
  records: IterationRecord[]
  options: EvolveOptions
}

async function trained({ settings, ...parts }: Given): Promise<Trained> {
  const given = {
    ...{ total_steps: 3, batch_size: 6, num_solver_samples: 3, proposer_update_freq: 1 },
    ...{ reward: textReward, ...settings },
  }
  const options = await tinyOptions(vlm, images.folder, given, parts)
  const records: IterationRecord[] = []
  for await (const record of evolve(options)) records.push(record)
  return { records, options }
}

/** The same run by several processes; `given` says what is particular to one. */
async function together(size: number, given: (rank: number) => Given = () => ({})): Promise<Trained[]> {
  return Promise.all(simulatedGroup(size).map((group) => trained({ ...given(group.rank), group })))
}

const roles = ['solver', 'proposer'] as const

/** The norm of the difference over the norm of what was learned from. */
function distance(a: Float32Array, b: Float32Array): number {
  const norm = (values: Float32Array) => Math.hypot(...values)
  return norm(a.map((value, i) => value - b[i])) / norm(b)
}

function expectClose(a: unknown, b: unknown): void {
  if (typeof b === 'number' && typeof a === 'number') expect(Math.abs(a - b)).toBeLessThan(1e-5)
  else if (typeof b !== 'object' || b === null) expect(a).toEqual(b)
  else for (const [key, value] of Object.entries(b)) expectClose((a as Record<string, unknown>)[key], value)
}

function expectAsOne(ranks: readonly Trained[], alone: Trained): void {
  const [first, ...others] = ranks
  for (const { records, options } of others) {
    expect(records.map(timeless)).toEqual(first.records.map(timeless))
    for (const role of roles)
      expect(options.state[role].adapter.parameters).toEqual(first.options.state[role].adapter.parameters)
  }
  expectClose(first.records.map(timeless), alone.records.map(timeless))
  for (const role of roles) {
    const [ours, its] = [first, alone].map(({ options }) => options.state[role])
    expect(distance(ours.adapter.parameters, its.adapter.parameters)).toBeLessThan(1e-5)
    expectClose({ ...ours.baseline, ...ours.kl }, { ...its.baseline, ...its.kl })
    expect(ours.updates).toBe(its.updates)
  }
}

test.each([
  [2, {}],
  [3, {}],
  [2, { baseline: 'leave-one-out', proposer_baseline: 'leave-one-out', normalization: 'sum' }],
  [3, { update_epochs: 2, kl_control: 'fixed', kl_coef: 0.1 }],
] as [number, EvolmmGiven][])('%i processes are one, %j', async (size, settings) => {
  const alone = await trained({ settings })
  expect(alone.records.at(-1)?.solver?.gradientNorm).toBeGreaterThan(0)
  expectAsOne(await together(size, () => ({ settings })), alone)
})

test('a process with nothing to learn from takes part', async () => {
  const question = '<question>How many?</question><rationale>Because.</rationale>'
  const saying = (asks: (prompt: number) => boolean): Given => ({
    proposer: scripted(vlm, (_, prompt) => (asks(prompt) ? question : 'nothing')),
    solver: scripted(vlm, (_, prompt, n) => `<answer>${n < 2 ? prompt : n}</answer>`),
    settings: { ...sense, reward: 'continuous' },
  })
  const alone = await trained(saying((prompt) => prompt < 3))
  expect(alone.records[0].solver?.completions).toBe(9)
  expect(alone.records[0].images.map(({ rejected }) => rejected === null)).toEqual([
    ...[true, true, true],
    ...[false, false, false],
  ])
  expectAsOne(await together(2, (rank) => saying(() => rank === 0)), alone)
  // Where nobody has anything, nobody waits.
  const [{ records }] = await together(2, () => saying(() => false))
  expect(records.map(({ solver }) => solver)).toEqual([null, null, null])
})

test('an image that breaks on one process shifts no draw and no baseline of the others', async () => {
  const own = await makeImages(6)
  const samples = async () => {
    const dataset = await openImageDataset({ root: own.folder, seed: 1 })
    for (let i = 0; i < 6; i++) await dataset.sampleAt(i)
    return dataset
  }
  const given = { images: await samples(), settings: { total_steps: 1 }, onWarning: () => undefined }
  const datasets = [await samples(), await samples()]
  // It is the second of the first process.
  const { path } = await given.images.sampleAt(1)
  const whole = await readFile(path)
  const hollow = [whole.subarray(0, 45), Buffer.alloc(whole.length - 57), whole.subarray(-12)]
  await writeFile(path, Buffer.concat(hollow))
  const alone = await trained(given)
  expect(alone.records[0].images[1].rejected).toBe('unreadable')
  expectAsOne(await together(2, (rank) => ({ ...given, images: datasets[rank] })), alone)
  await own.remove()
})

test('rewards of one’s own see all of an iteration, in one process alone', async () => {
  const asked: string[] = []
  const watching = (rank: number): Given => ({
    settings: {
      total_steps: 1,
      reward: (batch) => {
        asked.push(`${rank}: ${batch.length} answers`)
        return textReward(batch)
      },
      proposer_reward: (batch) => {
        asked.push(`${rank}: ${batch.length} questions`)
        return batch.map(({ text }) => text.length)
      },
    },
  })
  const ranks = await together(3, watching)
  expect(asked).toEqual(['0: 18 answers', '0: 6 questions'])
  expectAsOne(ranks, await trained(watching(0)))
})

test('a process that fails ends the others, and nothing of the iteration counts', async () => {
  const before = vlm.createAdapter({ rank: 4, seed: 1 }).parameters
  const states: EvolveOptions['state'][] = []
  const groups = simulatedGroup(3)
  const runs = groups.map(async (group) => {
    const state = startState({
      solver: vlm.createAdapter({ rank: 4, seed: 1 }),
      proposer: vlm.createAdapter({ rank: 4, seed: 2 }),
    })
    states.push(state)
    const fails = { ...vlm, gradient: () => Promise.reject(new Error('out of memory')) }
    return trained({ group, state, ...(group.rank === 1 && { solver: fails }) })
  })
  for (const run of await Promise.allSettled(runs))
    expect(run).toMatchObject({ status: 'rejected', reason: { message: 'out of memory' } })
  for (const { step, solver } of states) {
    expect(step).toBe(0)
    expect(solver.adapter.parameters).toEqual(before)
  }
})

test('a signal to one process ends all at the same place', async () => {
  const stop = new AbortController()
  let asked = 0
  const counting = {
    ...vlm,
    sample: (given: Parameters<Vlm['sample']>[0]) => {
      if (++asked === 3) stop.abort()
      return vlm.sample(given)
    },
  }
  const ranks = await together(2, (rank) =>
    rank === 1 ? { signal: stop.signal, solver: counting, proposer: vlm } : {},
  )
  expect(ranks.map(({ options }) => options.state.step)).toEqual([2, 2])
})

test.each([
  [{ batch_size: 5 }, /^batch_size: must be a multiple of 2 with 2 processes, got 5;/],
  [{ solver_update: 'sequential' }, /^solver_update: must be group with 2 processes, got sequential;/],
] as [EvolmmGiven, RegExp][])('%j is refused for several processes', async (settings, message) => {
  const [group]: ProcessGroup[] = simulatedGroup(2)
  await expect(trained({ settings, group })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(message) as string,
  })
})

test('dropout is refused for several processes', async () => {
  const [group] = simulatedGroup(2)
  const state = startState({
    solver: vlm.createAdapter({ rank: 4, dropout: 0.1 }),
    proposer: vlm.createAdapter({ rank: 4 }),
  })
  await expect(trained({ group, state })).rejects.toThrow(
    /^lora_dropout: must be 0 with 2 processes, got 0.1;/,
  )
})
