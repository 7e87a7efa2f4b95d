/**
 * The gradient graphs that gradients.test.ts proves right on the CPU, on the WebGPU provider: in float32, against the
 * CPU's float32. Operators without a WebGPU kernel fall back to the CPU within the same session.
 */
import { describe, expect, test } from 'vitest'
import { families } from './cases/index'
import { gradientGraph } from './support/check-gradient'
import { runner, type Value } from './support/run'
import { prepareWebGpu } from './support/webgpu'

/** Cases that the provider of ONNX Runtime 1.30 gets wrong by itself, without our rules taking part. */
const providerLimits: Record<string, string> = {
  'ReduceLogSum, no axes means none': 'reduces all axes',
  'Einsum, ellipsis that broadcasts, in the middle': 'refuses an ellipsis that broadcasts',
  'Split, more parts than a shader takes': 'one shader writes at most some ten outputs',
}

const missing = prepareWebGpu()
const title = missing === undefined ? 'gradients on WebGPU' : `gradients on WebGPU, skipped: ${missing}`

describe.skipIf(missing !== undefined)(title, () => {
  for (const [family, operators] of Object.entries(families)) {
    test(family, async () => {
      const wrong: Record<string, string> = {}
      const expected: Record<string, unknown> = {}
      for (const [opType, cases] of Object.entries(operators)) {
        for (const each of cases) {
          const name = `${opType}${each.name === undefined ? '' : `, ${each.name}`}`
          if (name in providerLimits) expected[name] = expect.any(String)
          const error = await difference(each).catch(String)
          if (!(Number(error) < 1e-3)) wrong[name] = String(error)
        }
      }
      expect(wrong).toEqual(expected)
    })
  }
})

/** Largest difference between the two providers' gradients, relative to the largest gradient of the same input. */
async function difference(each: Parameters<typeof gradientGraph>[0]): Promise<number> {
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
