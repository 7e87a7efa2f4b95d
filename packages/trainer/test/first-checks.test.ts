/** What must hold of any correct implementation, and did not of the released one: image, reference, both roles. */
import { expect, test } from 'vitest'
import { evolve, startState } from '../src/index'
import { timeless } from './support/timeless'
import { openTiny, tinyForAll, tinyOptions } from './support/tiny-run'
import { scripted } from './support/scripted'
import { learnable, recordsOf } from './support/evolved'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const { vlm, images } = await tinyForAll(4)

test('adapters that change nothing are at distance 0 from the base policy, and at more after an update', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 4,
    proposer_update_freq: 1,
    batch_size: 2,
    proposer_baseline: 'leave-one-out',
    ...learnable,
  })
  // The first question of a batch divides the solver, the second does not.
  options.solver = scripted(vlm, (_, p, n) => `<answer>${p * n}</answer>`)
  const records = await recordsOf(options)
  expect([records[0].solver?.kl, records[0].proposer?.kl]).toEqual([0, 0])
  expect(records[3].solver?.kl).toBeGreaterThan(0)
  expect(records[3].proposer?.kl).toBeGreaterThan(0)
})

test('the policy that learns is the policy that was sampled', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 4,
    proposer_update_freq: 2,
    ...learnable,
  })
  const gaps = (await recordsOf(options)).flatMap(({ solver, proposer }) => [solver, proposer])
  const measured = gaps.flatMap((update) => update?.samplerGap ?? [])
  expect(measured.length).toBe(6)
  // Rounding of float32, after updates too.
  expect(Math.max(...measured)).toBeLessThan(1e-5)
})

test('with dropout there is no gap to report, and the record says that this is why', async () => {
  const options = await tinyOptions(vlm, images.folder, { total_steps: 1, ...learnable })
  options.state = startState({
    solver: vlm.createAdapter({ rank: 4, dropout: 0.25, seed: 1 }),
    proposer: options.state.proposer.adapter,
  })
  const [record] = await recordsOf(options)
  expect(record.solver).toMatchObject({ samplerGap: null, dropout: 0.25 })
})

test('both adapters move, each in its own updates, and the proposer only in its own iterations', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 3,
    proposer_update_freq: 3,
    ...learnable,
  })
  const { solver, proposer } = options.state
  const before = { solver: solver.adapter.parameters.slice(), proposer: proposer.adapter.parameters.slice() }
  const moved: unknown[] = []
  for await (const { step } of evolve(options))
    moved.push([
      step,
      solver.adapter.parameters.some((value, i) => value !== before.solver[i]),
      proposer.adapter.parameters.some((value, i) => value !== before.proposer[i]),
    ])
  expect(moved).toEqual([
    [1, true, false],
    [2, true, false],
    [3, true, true],
  ])
})

test('the image is in the gradient: another one changes the loss and the gradient', async () => {
  const adapter = vlm.createAdapter({ rank: 4, seed: 1 })
  const [one, other] = await Promise.all(
    ['0.png', '3.png'].map((name) => vlm.encodeImage(`${images.folder}/${name}`)),
  )
  const prompt = vlm.prompt({ images: [one], prompt: 'What is it?' })
  const [completions] = await vlm.sample({ prompts: [prompt], samples: 5, maxNewTokens: 6 })
  const [a, b] = await Promise.all(
    [one, other].map((image) =>
      vlm.gradient({
        groups: [
          {
            prompt: vlm.prompt({ images: [image], prompt: 'What is it?' }),
            completions,
            advantages: [1, -1, 0, 2, 0],
          },
        ],
        adapter,
      }),
    ),
  )
  expect(b.loss).not.toBe(a.loss)
  expect(b.gradient).not.toEqual(a.gradient)
})

test('two runs with one seed are the same, and with another seed they differ', async () => {
  const run = async (seed: number) => {
    const options = await tinyOptions(vlm, images.folder, {
      total_steps: 3,
      proposer_update_freq: 2,
      seed,
      ...learnable,
    })
    const records = await recordsOf(options)
    return {
      records: records.map(timeless),
      parameters: [options.state.solver.adapter.parameters, options.state.proposer.adapter.parameters],
    }
  }
  const first = await run(7)
  expect(await run(7)).toEqual(first)
  expect((await run(8)).records[0].images[0].proposerText).not.toBe(first.records[0].images[0].proposerText)
})

test('roles on two copies of a model are what roles on a shared one are', async () => {
  const twin = await openTiny()
  const settings = { total_steps: 2, proposer_update_freq: 1, ...learnable }
  const shared = await recordsOf(await tinyOptions(vlm, images.folder, settings))
  const apart = await recordsOf({
    ...(await tinyOptions(vlm, images.folder, settings)),
    proposer: twin,
    state: startState({
      solver: vlm.createAdapter({ rank: 4, seed: 1 }),
      proposer: twin.createAdapter({ rank: 4, seed: 2 }),
    }),
  })
  await twin.dispose()
  expect(apart.map(timeless)).toEqual(shared.map(timeless))
})
