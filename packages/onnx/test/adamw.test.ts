import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { adamWProgram, type AdamWOptions } from '@evolmm/onnx'
import { runner, type Value } from './support/run'

interface Case {
  lr: number
  weight_decay: number
  betas: [number, number]
  eps: number
  clip: number | null
  start: number[]
  steps: { gradient: number[]; norm_before_clipping: number; parameters: number[] }[]
}

// Six steps each from torch.optim.AdamW and clip_grad_norm_.
const { cases } = JSON.parse(readFileSync(new URL('./fixtures/adamw.json', import.meta.url), 'utf8')) as {
  cases: Case[]
}

const vector = (data: ArrayLike<number>): Value => ({ dims: [data.length], data: Float32Array.from(data) })
const scalar = (value: number): Value => ({ dims: [], data: Float32Array.of(value) })
const optionsOf = ({ betas, eps, weight_decay }: Case): AdamWOptions => ({
  betas,
  epsilon: eps,
  weightDecay: weight_decay,
})

test.each([true, false])('every step is as in PyTorch (length known: %s)', async (known) => {
  for (const each of cases) {
    const { lr, clip, start, steps } = each
    const run = await runner(adamWProgram({ ...optionsOf(each), ...(known ? { size: start.length } : {}) }))
    let state = [start, start.map(() => 0), start.map(() => 0)].map(vector)
    for (const [index, { gradient, norm_before_clipping: norm, parameters }] of steps.entries()) {
      const result = await run({
        parameters: state[0],
        gradient: vector(gradient),
        first: state[1],
        second: state[2],
        learning_rate: scalar(lr),
        step: scalar(index + 1),
        max_norm: scalar(clip ?? Infinity),
      })
      state = [result.new_parameters, result.new_first, result.new_second]
      for (const [i, expected] of parameters.entries())
        expect(Math.abs(Number(state[0].data[i]) - expected)).toBeLessThan(1e-6)
      expect(Math.abs(Number(result.gradient_norm.data[0]) / norm - 1)).toBeLessThan(1e-6)
      expect(result.skipped.data[0]).toBe(0)
    }
  }
})

const size = 3 * 8192
const wave = (factor: number) => vector(Array.from({ length: size }, (_, i) => Math.sin(factor * i)))
const feeds = {
  parameters: wave(0.1),
  gradient: wave(0.2),
  first: wave(0.3),
  second: vector(Float32Array.from(wave(0.4).data as Float32Array, (value) => value ** 2)),
  learning_rate: scalar(1e-2),
  step: scalar(3),
  max_norm: scalar(5),
}

/** Largest difference; the values are at most 1. Only the order of additions in the norm may differ. */
function difference(a: Value, b: Value): number {
  expect(a.data).toHaveLength(b.data.length)
  const values = Array.from(a.data as Float32Array)
  return Math.max(...values.map((value, i) => Math.abs(value - Number(b.data[i]))))
}

test('in pieces, whole, or in slices with the norm given, the result is the same', async () => {
  const inPieces = await (await runner(adamWProgram({ size })))(feeds)
  const whole = await (await runner(adamWProgram()))(feeds)
  for (const name of ['new_parameters', 'new_first', 'new_second'])
    expect(difference(inPieces[name], whole[name]), name).toBeLessThan(2e-6)

  const slice = await runner(adamWProgram({ norm: 'given' }))
  for (const [from, to] of [
    [0, 10000],
    [10000, size],
  ]) {
    const cut = ({ data }: Value): Value => vector((data as Float32Array).subarray(from, to))
    const { gradient_norm: norm } = inPieces
    const part = await slice({
      ...feeds,
      parameters: cut(feeds.parameters),
      gradient: cut(feeds.gradient),
      first: cut(feeds.first),
      second: cut(feeds.second),
      norm,
    })
    for (const name of ['new_parameters', 'new_first', 'new_second'])
      expect(difference(part[name], cut(inPieces[name])), name).toBeLessThan(2e-6)
  }
})

test.each([NaN, Infinity, -Infinity])('a gradient with %d in it changes nothing', async (value) => {
  const gradient = vector(feeds.gradient.data as Float32Array)
  gradient.data[size - 7] = value
  const result = await (await runner(adamWProgram({ size })))({ ...feeds, gradient })
  expect(result.skipped.data[0]).toBe(1)
  expect(Number.isFinite(Number(result.gradient_norm.data[0]))).toBe(false)
  expect(result.new_parameters.data).toEqual(feeds.parameters.data)
  expect(result.new_first.data).toEqual(feeds.first.data)
  expect(result.new_second.data).toEqual(feeds.second.data)
})

test('options that make no sense are refused', () => {
  expect(() => adamWProgram({ betas: [0.9, 1] })).toThrow(/adamWProgram.betas/)
  expect(() => adamWProgram({ weightDecay: -1 })).toThrow(/adamWProgram.weightDecay/)
  expect(() => adamWProgram({ size: 0 })).toThrow(/adamWProgram.size/)
})
