/**
 * A two-block transformer with LoRA on all projections and a policy loss, against PyTorch. `fixtures/transformer.json`
 * says where its numbers come from.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  flattenParameters,
  grad,
  Graph,
  op,
  parameterLayout,
  policyLoss,
  sliceParameters,
} from '@evolmm/onnx'
import { runner, type Value } from './support/run'
import {
  adapterShapes,
  found,
  frozenShapes,
  initializers,
  transformer,
  type TransformerConfig,
} from './support/transformer'

interface Fixture {
  config: TransformerConfig
  seed: number
  ids: number[]
  positions: number[]
  visible: number[][]
  rows: number[]
  tokens: number[]
  weights: number[]
  klWeights: number[]
  loss: number
  logProbabilities: number[]
  kl: number[]
  entropy: number[]
  frozen: [string, number[], number][]
  gradients: [string, number[], number[]][]
}

const fixture = JSON.parse(
  readFileSync(new URL('./fixtures/transformer.json', import.meta.url), 'utf8'),
) as Fixture
const { config } = fixture

/** The weights of the fixture, in the order in which they were drawn. */
const weights = (() => {
  let state = fixture.seed
  const draw = (size: number, scale: number, offset: number) =>
    Float32Array.from({ length: size }, () => {
      state = (state * 48271) % 2147483647
      return offset + 2 * scale * (state / 2147483647 - 0.5)
    })
  const scales: [RegExp, number, number][] = [
    [/norm$/, 0.2, 1],
    [/^embed/, 0.5, 0],
    [/lora_A$/, 0.3, 0],
    [/lora_B$/, 0.05, 0],
    [/proj$/, 0.2, 0],
  ]
  return new Map(
    [...frozenShapes(config), ...adapterShapes(config)].map(([name, shape]) => {
      const [, scale, offset] = scales.find(([pattern]) => pattern.test(name)) ?? ['', 0, 0]
      return [
        name,
        draw(
          shape.reduce((size, dim) => size * dim, 1),
          scale,
          offset,
        ),
      ]
    }),
  )
})()
const contents = (name: string) => weights.get(name) ?? new Float32Array(0)

const layout = parameterLayout(adapterShapes(config))

async function learn(checkpointed: boolean): Promise<Record<string, Value>> {
  const graph = new Graph('learn')
  const flat = graph.input('adapter', 'float32', [layout.size])
  const parameters = sliceParameters(flat, layout)
  const frozen = initializers(graph, frozenShapes(config), contents)
  const sequence = {
    ids: graph.input('ids', 'int64', ['T']),
    positions: graph.input('positions', 'int64', ['T']),
    mask: graph.input('mask', 'float32', ['T', 'T']),
  }
  const rows = graph.input('rows', 'int64', ['R'])
  const adapter = (name: string) => found(parameters, name)
  const hidden = transformer(sequence, { config, frozen, adapter, checkpointed })
  const reference = transformer(sequence, { config, frozen })
  const { loss, ...reports } = policyLoss({
    hidden: op.Gather(hidden, rows),
    weight: frozen('embed_tokens'),
    tokens: graph.input('tokens', 'int64', ['R']),
    weights: graph.input('weights', 'float32', ['R']),
    kl: { hidden: op.Gather(reference, rows), weights: graph.input('klWeights', 'float32', ['R']) },
    chunk: 5,
  })
  graph.output('gradient', flattenParameters(layout, grad(loss, [...parameters.values()])))
  for (const [name, tensor] of Object.entries({ loss, ...reports })) graph.output(name, op.Identity(tensor))

  const integers = (values: number[]) => ({ dims: [values.length], data: BigInt64Array.from(values, BigInt) })
  const floats = (values: number[], dims = [values.length]) => ({ dims, data: Float32Array.from(values) })
  const length = fixture.ids.length
  const run = await runner(graph)
  return run({
    adapter: floats(layout.entries.flatMap(({ name }) => [...contents(name)])),
    ids: integers(fixture.ids),
    positions: integers(fixture.positions),
    mask: floats(
      fixture.visible.flat().map((seen) => (seen - 1) * 1e9),
      [length, length],
    ),
    rows: integers(fixture.rows),
    tokens: integers(fixture.tokens),
    weights: floats(fixture.weights),
    klWeights: floats(fixture.klWeights),
  })
}

/** Largest difference over the largest value. */
function relativeError(values: ArrayLike<number | bigint>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs))
  return Math.max(...expected.map((value, i) => Math.abs(Number(values[i]) - value))) / scale
}

const plain = await learn(false)

test('weights are those of the fixture', () => {
  for (const [name, shape, sum] of fixture.frozen) {
    const data = contents(name)
    expect(data).toHaveLength(shape.reduce((size, dim) => size * dim, 1))
    expect(data.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 9)
  }
  expect(layout.entries.map(({ name, shape }) => [name, shape])).toEqual(
    fixture.gradients.map(([name, shape]) => [name, shape]),
  )
})

test('the loss and what is reported of each token are as in PyTorch', () => {
  expect(relativeError(plain.loss.data, [fixture.loss])).toBeLessThan(1e-5)
  for (const name of ['logProbabilities', 'kl', 'entropy'] as const)
    expect(relativeError(plain[name].data, fixture[name]), name).toBeLessThan(1e-5)
})

test('the gradient of every LoRA matrix is as in PyTorch', () => {
  for (const [index, [name, , expected]] of fixture.gradients.entries()) {
    const { offset } = layout.entries[index]
    const own = plain.gradient.data.slice(offset, offset + expected.length)
    expect(own).toHaveLength(expected.length)
    expect(relativeError(own, expected), name).toBeLessThan(1e-5)
  }
})

test('with a checkpoint around each block all results are the same, bit for bit', async () => {
  const saved = await learn(true)
  for (const [name, { data }] of Object.entries(plain)) expect(saved[name].data, name).toEqual(data)
})
