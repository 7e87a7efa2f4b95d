/**
 * The whole loop on the WebGPU provider beside the CPU: each device in a process of its own, which a driver that crashes
 * takes down alone.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bundleScript, prepareWebGpu } from '@evolmm/internal/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import type { DeviceIteration, DeviceLoop } from './support/device-loop'
import { tinyFolder } from './support/safetensors'

const missing = prepareWebGpu()
const title = missing === undefined ? 'WebGPU' : `WebGPU, skipped: ${missing}`
const learningRate = 1e-4
const tolerance = 1e-3

describe.skipIf(missing !== undefined)(title, () => {
  let cpu: DeviceLoop
  let gpu: DeviceLoop
  let halved: DeviceLoop | { code: string; message: string }
  beforeAll(async () => {
    const script = await bundleScript(new URL('support/device-loop.ts', import.meta.url))
    const run = async (...args: string[]): Promise<unknown> => {
      const { stdout } = await promisify(execFile)(process.execPath, [script.file, tinyFolder, ...args], {
        maxBuffer: 2 ** 28,
      })
      return JSON.parse(stdout)
    }
    try {
      cpu = (await run('cpu')) as typeof cpu
      gpu = (await run('webgpu')) as typeof gpu
      halved = (await run('webgpu', 'float16')) as typeof halved
    } finally {
      script.remove()
    }
  })

  /** Largest difference in both iterations, relative to the largest number of that kind. */
  const difference = (pick: (each: DeviceIteration) => number[]) =>
    Math.max(...cpu.iterations.map((each, i) => relative(pick(gpu.iterations[i]), pick(each))))

  test('image tokens are those of the CPU', () => {
    expect(relative(gpu.features, cpu.features)).toBeLessThan(tolerance)
  })

  test('greedy and drawn answers are the same tokens, before and after the adapter moved', () => {
    for (const [i, { greedy, drawn }] of cpu.iterations.entries())
      expect(gpu.iterations[i]).toMatchObject({ greedy, drawn })
    expect(cpu.iterations[1].drawn).not.toEqual(cpu.iterations[0].drawn)
  })

  test.each(['sampled', 'scored', 'divergence', 'gradient', 'checkpointed'] as const)(
    '%s: within 1e-3 of the largest',
    (name) => {
      expect(difference((each) => each[name])).toBeLessThan(tolerance)
      expect(Math.max(...cpu.iterations[0][name].map(Math.abs))).toBeGreaterThan(1e-3)
    },
  )

  test('the gradient of a prompt that goes in chunks: within 1e-3 of the largest', () => {
    expect(cpu.long.tokens).toBeGreaterThan(512)
    expect(relative(gpu.long.gradient, cpu.long.gradient)).toBeLessThan(tolerance)
    expect(Math.max(...cpu.long.gradient.map(Math.abs))).toBeGreaterThan(1e-3)
  })

  test('log-probabilities are within 1e-3 as they are', () => {
    for (const [i, { sampled, scored }] of cpu.iterations.entries()) {
      expect(largest(gpu.iterations[i].sampled, sampled)).toBeLessThan(tolerance)
      expect(largest(gpu.iterations[i].scored, scored)).toBeLessThan(tolerance)
    }
  })

  // The first step of AdamW is the sign of each gradient times the learning rate, whatever the size: where a gradient is
  // as small as rounding, so that its sign is not known, the two may be up to two strides apart.
  test('parameters after both steps: within 1e-3 where a gradient has a sign, two strides elsewhere', () => {
    for (const [i, { parameters, gradient }] of cpu.iterations.entries()) {
      const steps = i + 1
      const sure = tolerance * Math.max(...gradient.map(Math.abs))
      const scale = Math.max(...parameters.map(Math.abs))
      for (const [p, value] of parameters.entries()) {
        const apart = Math.abs(gpu.iterations[i].parameters[p] - value)
        const known = cpu.iterations.slice(0, steps).every((each) => Math.abs(each.gradient[p]) > sure)
        expect(apart).toBeLessThan(known ? tolerance * scale : 2.01 * steps * learningRate)
      }
    }
  })

  test('float16 weights: the same within their precision, or one sentence where the driver has no such arithmetic', () => {
    if ('code' in halved) {
      expect(halved.code).toBe('UNSUPPORTED_DTYPE')
      expect(halved.message).toMatch(/^dtype float16: must be .* f16 .*; choose dtype float32$/)
      return
    }
    const apart = halved.features.map((value, i) => value - cpu.features[i])
    expect(Math.hypot(...apart)).toBeLessThan(0.02 * Math.hypot(...cpu.features))
    expect(halved.iterations[1].gradient.every(Number.isFinite)).toBe(true)
  })
})

function largest(got: readonly number[], want: readonly number[]): number {
  expect(got).toHaveLength(want.length)
  return Math.max(...want.map((value, i) => Math.abs(got[i] - value)))
}

function relative(got: readonly number[], want: readonly number[]): number {
  return largest(got, want) / Math.max(...want.map(Math.abs))
}
