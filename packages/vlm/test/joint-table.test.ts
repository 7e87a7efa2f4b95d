/** All programs of a model in one session, as on devices that copy weights: here on the CPU, beside sessions of their own. */
import { join } from 'node:path'
import { Graph, op } from '@evolmm/onnx'
import { afterEach, beforeEach, expect, test, vi, type MockInstance } from 'vitest'
import { createAdapter } from '../src/adapter/create-adapter'
import { encodeImage } from '../src/encode-image'
import { gradient, score } from '../src/learn'
import { makePrompt } from '../src/make-prompt'
import type { Model } from '../src/model'
import { openModel, type LoadVlmOptions } from '../src/open-model'
import { jointTable } from '../src/runtime/joint-table'
import { InferenceSession } from '../src/runtime/onnxruntime'
import { programTable } from '../src/runtime/program-table'
import { sample } from '../src/sample'
import { coded } from './prompt-checkpoint'
import { tinyFolder } from './support/safetensors'

const create = InferenceSession.create.bind(InferenceSession) as (
  model: Uint8Array,
  options: InferenceSession.SessionOptions,
) => Promise<InferenceSession>
let opening: MockInstance<typeof create>
beforeEach(() => {
  opening = vi.spyOn(InferenceSession, 'create')
})
afterEach(() => {
  opening.mockRestore()
})

const adapterOf = ({ backbone }: Model, rank: number) => {
  const adapter = createAdapter(backbone, { rank, seed: 3 })
  // A fresh adapter changes nothing.
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.05 * Math.sin(i * i)
  return adapter
}

async function iteration(model: Model, rank = 4) {
  const adapter = adapterOf(model, rank)
  const image = await encodeImage(model, join(tinyFolder, 'images/img0.png'))
  const prompt = makePrompt(model, { images: [image], prompt: 'What is the tallest bar?' })
  const sampling = { prompts: [prompt], adapter, maxNewTokens: 6, stopTokens: [], samples: 3 }
  const [completions] = await sample(model, { ...sampling, seeds: [7] })
  const groups = [{ prompt, completions, advantages: [1, -0.5, 0.25] }]
  const scored = await score(model, { groups })
  const learned = await gradient(model, { groups, adapter, beta: 0.1, checkpointed: true })
  return { features: image.features?.data, completions, scored, learned }
}

test.each<[string, LoadVlmOptions]>([
  ['float32', {}],
  ['four bits', { quantize: 'int4' }],
])('one session gives what several give, to the last bit: %s', async (_, options) => {
  const opened = await openModel(tinyFolder, { device: 'cpu', threads: 1, ...options }, () => undefined)
  const { folder } = opened.model.files
  // Weights that are rearranged make other sums.
  const table = { folder, threads: 1, prepack: false }
  const [apart, joint] = [programTable(table), jointTable(table)]
  const program: Model['program'] = (key, build) => apart.get(key, build, { prepack: false })
  const want = await iteration({ ...opened.model, program })
  expect(await iteration({ ...opened.model, program: joint.get })).toEqual(want)
  expect(Math.max(...want.learned.gradient.map(Math.abs))).toBeGreaterThan(1e-3)
  for (const { close } of [joint, apart, opened]) await close()
})

test('a session has what was asked for before, and makes way for one of more', async () => {
  const { model, close } = await openModel(tinyFolder, { device: 'cpu', threads: 1 }, () => undefined)
  const joint = jointTable({ folder: model.files.folder, threads: 1 })
  const joined: Model = { ...model, program: joint.get }
  const released: number[] = []
  const count = () => opening.mock.calls.length
  opening.mockImplementation(async (...args) => {
    // The one before is gone when the next is opened: their weights are never there together.
    expect(released).toHaveLength(count() - 1)
    const session = await create(...args)
    const release = session.release.bind(session)
    session.release = async () => {
      released.push(count())
      await release()
    }
    return session
  })
  await iteration(joined)
  expect(count()).toBe(4)
  await iteration(joined)
  // Adapters of one shape share programs; another shape has its own.
  expect(count()).toBe(4)
  await iteration(joined, 2)
  expect(count()).toBe(6)
  await joint.close()
  expect(released).toHaveLength(6)
  await close()
})

const twice = (name: string) => {
  const graph = new Graph(name)
  graph.output('y', op.Mul(graph.input('x', 'float32', ['n']), 2))
  return graph
}
const feeds = { x: { dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) } } as const

test('programs that are asked for before one runs are opened at once', async () => {
  const { get, close } = jointTable({ folder: tinyFolder, threads: 1 })
  const [a, b] = [await get('a', () => twice('a')), await get('b', () => twice('b'))]
  expect(opening).not.toHaveBeenCalled()
  const results = await Promise.all([a.run(feeds), b.run(feeds), a.run(feeds)])
  expect(results.map(({ y }) => [...(y.data as Float32Array)])).toEqual([2, 2, 2].map(() => [2, 4]))
  expect(opening).toHaveBeenCalledTimes(1)
  await close()
})

test('a program that cannot be opened is an error of its own calls: those before it are opened again', async () => {
  const { get, close } = jointTable({ folder: tinyFolder, threads: 1, providers: ['webgpu', 'cpu'] })
  opening.mockImplementation((model, options) => create(model, { ...options, executionProviders: ['cpu'] }))
  const good = await get('good', () => twice('good'))
  await good.run(feeds)
  opening.mockRejectedValueOnce(new Error('out of memory'))
  const bad = await get('bad', () => twice('bad'))
  await expect(bad.run(feeds)).rejects.toThrow(coded('DEVICE_FAILED', /program "bad", got "out of memory"/))
  expect([...((await good.run(feeds)).y.data as Float32Array)]).toEqual([2, 4])
  // Memory may be free by now.
  expect([...((await bad.run(feeds)).y.data as Float32Array)]).toEqual([2, 4])
  await close()
})

test('nothing runs after the table is closed, and what is missing is said by name', async () => {
  const { get, close } = jointTable({ folder: tinyFolder, threads: 1 })
  const program = await get('a', () => twice('a'))
  await expect(program.run({})).rejects.toThrow(/0\/x/)
  await close()
  await expect(program.run(feeds)).rejects.toThrow(coded('MODEL_DISPOSED'))
  expect(() => get('b', () => twice('b'))).toThrow(coded('MODEL_DISPOSED'))
})
