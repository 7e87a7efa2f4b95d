/**
 * The gradient graphs that gradients.test.ts proves right on the CPU, on the WebGPU provider: in float32, against the
 * CPU's float32. Operators without a WebGPU kernel fall back to the CPU within the same session.
 */
import { drawn, prepareWebGpu, sizedTest } from '@evolmm/internal/testing'
import { describe, expect, test } from 'vitest'
import {
  attention,
  dropout,
  entropy,
  exactKl,
  gatedSilu,
  globalNorm,
  loraLinear,
  op,
  pickLogProbabilities,
  policyLoss,
  rmsNorm,
  rotary,
  type Graph,
  type Tensor,
} from '@evolmm/onnx'
import { families } from './cases/index'
import { gradientGraph, type GradientCheck } from './support/check-gradient'
import { runner, type Value } from './support/run'

/** Cases that the provider of ONNX Runtime 1.30 gets wrong by itself, without our rules taking part. */
const providerLimits: Record<string, string> = {
  'ReduceLogSum, no axes means none': 'reduces all axes',
  'Einsum, ellipsis that broadcasts, in the middle': 'refuses an ellipsis that broadcasts',
  'Split, more parts than a shader takes': 'one shader writes at most some ten outputs',
}

const square = (x: Tensor) => op.Mul(x, x)
const tokens = (graph: Graph) => graph.constant('int64', [5], [3, 0, 6, 2, 3])

/** Squares, so that gradients tell whether the values are right. */
const parts: Record<string, GradientCheck> = {
  rmsNorm: { shapes: [[5, 8], [8]], build: ([x, weight]) => square(rmsNorm({ x, weight })) },
  rotary: {
    shapes: [[5, 24]],
    build: ([x], graph) => {
      const angles = Array.from({ length: 20 }, (_, i) => Math.sin(7 * i))
      const table = (of: (angle: number) => number) => graph.constant('float32', [5, 4], angles.map(of))
      return op.Mul(square(rotary({ x, cos: table(Math.cos), sin: table(Math.sin), heads: 3 })), x)
    },
  },
  attention: {
    shapes: [
      [2, 4, 16],
      [2, 5, 8],
      [2, 5, 8],
      [4, 5],
    ],
    build: ([q, k, v, mask]) => {
      const hidden = op.Where(op.Greater(mask, 1), mask.scope.graph.constant('float32', [], [-1e30]), 0)
      return square(attention({ q, k, v, mask: hidden, heads: 4, keyValueHeads: 2, headSize: 4 }))
    },
  },
  'attention in chunks of queries': {
    shapes: [
      [2, 7, 16],
      [2, 5, 8],
      [2, 5, 8],
    ],
    build: ([q, k, v]) => square(attention({ q, k, v, heads: 4, keyValueHeads: 2, headSize: 4, chunk: 3 })),
  },
  gatedSilu: {
    shapes: [
      [3, 8],
      [3, 8],
    ],
    build: ([gate, up]) => square(gatedSilu({ gate, up })),
  },
  loraLinear: {
    shapes: [
      [5, 8],
      [3, 8],
      [6, 3],
    ],
    build: ([x, a, b], graph) => {
      const weight = graph.constant(
        'float32',
        [6, 8],
        Array.from({ length: 48 }, (_, i) => Math.sin(i)),
      )
      const seed = graph.constant('int64', [], [42])
      return square(loraLinear({ x, weight, a, b, alpha: 4, dropout: { rate: 0.25, seed } }))
    },
  },
  dropout: {
    shapes: [[8, 8]],
    build: ([x], graph) => square(dropout(x, { rate: 0.5, seed: graph.constant('int64', [], [7]) })),
  },
  pickLogProbabilities: {
    shapes: [[5, 7]],
    build: ([logits], graph) => square(pickLogProbabilities(logits, tokens(graph))),
  },
  exactKl: {
    shapes: [[5, 7]],
    build: ([logits]) => square(exactKl(logits, op.Sin(logits))),
  },
  entropy: { shapes: [[5, 7]], build: ([logits]) => square(entropy(logits)) },
  globalNorm: { shapes: [[300]], build: ([flat]) => square(globalNorm(flat)) },
  policyLoss: {
    shapes: [[5, 8], [7, 8], [5]],
    build: ([hidden, weight, weights], graph) => {
      const kl = { weights, hidden: op.Sin(hidden) }
      return square(policyLoss({ hidden, weight, weights, tokens: tokens(graph), kl, chunk: 2 }).loss)
    },
  },
}

const missing = prepareWebGpu()
const title = missing === undefined ? 'gradients on WebGPU' : `gradients on WebGPU, skipped: ${missing}`

const cases = Object.values(families).flatMap((operators) =>
  Object.entries(operators).flatMap(([opType, each]) =>
    each.map((check) => ({
      name: `${opType}${check.name === undefined ? '' : `, ${check.name}`}`,
      check: check,
    })),
  ),
)

describe.skipIf(missing !== undefined)(title, () => {
  // The software driver takes a tenth of a second for each.
  sizedTest('operators', { cases: [25, 120, cases.length] }, async (sized) => {
    const wrong: Record<string, string> = {}
    const expected: Record<string, unknown> = {}
    for (const { name, check } of drawn(cases, sized)) {
      if (name in providerLimits) expected[name] = expect.any(String)
      const error = await difference(check).catch(String)
      if (!(Number(error) < 1e-3)) wrong[name] = String(error)
    }
    expect(wrong).toEqual(expected)
  })

  test.each(Object.entries(parts))('%s', async (_, part) => {
    expect(await difference(part)).toBeLessThan(1e-3)
  })
})

/** Largest difference between the two providers' gradients, relative to the largest gradient of the same input. */
async function difference(each: GradientCheck): Promise<number> {
  const { graph, feeds } = gradientGraph({ ...each, dtype: 'float32' })
  const [expected, got] = [
    await (await runner(graph, { intraOpNumThreads: 1 }))(feeds),
    await (await runner(graph, { executionProviders: ['webgpu'] }))(feeds),
  ]
  const gradients = Object.keys(expected).filter((output) => output !== 'loss')
  return Math.max(...gradients.map((output) => relative(expected[output], got[output])))
}

function relative(expected: Value, got: Value): number {
  let [error, scale] = [0, 1e-3]
  for (const [i, value] of [...expected.data].entries()) {
    error = Math.max(error, Math.abs(Number(value) - Number(got.data[i])))
    scale = Math.max(scale, Math.abs(Number(value)))
  }
  return error / scale
}
