import { AdamW, type AdamWState, learningRate } from '@evolmm/rl-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import adamw from './fixtures/adamw.json'
import reference from './fixtures/reference.json'

const float32Max = 3.4028234663852886e38

function largestGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  return Math.max(...Array.from(a, (value, index) => Math.abs(value - b[index])))
}

/** State and parameters as plain numbers, to compare bit for bit. */
function snapshot(optimizer: AdamW, parameters: Float32Array) {
  const { step, first, second } = optimizer.state
  return { step, first: [...first], second: [...second], parameters: [...parameters] }
}

test.each(adamw.cases)(
  'PyTorch, every recorded step: lr $lr, weight decay $weight_decay, clip $clip',
  (setting) => {
    const parameters = Float32Array.from(setting.start)
    const optimizer = new AdamW({
      size: parameters.length,
      lr: setting.lr,
      betas: setting.betas as [number, number],
      eps: setting.eps,
      weightDecay: setting.weight_decay,
      clip: setting.clip,
    })
    for (const step of setting.steps) {
      const report = optimizer.step(parameters, Float32Array.from(step.gradient))
      expect(report.skipped).toBe(null)
      expect(report.gradientNorm).toBeCloseTo(step.norm_before_clipping, 5)
      expect(largestGap(parameters, step.parameters)).toBeLessThan(1e-6)
    }
    expect(optimizer.state.step).toBe(setting.steps.length)
  },
)

test('PyTorch and transformers: 300 clipped steps with a cosine schedule end nearer to float64 than float32 PyTorch does', () => {
  const { start, stiffness, target, lr, weight_decay, clip, warmup, total } = reference.descent
  const parameters = Float32Array.from(start)
  const optimizer = new AdamW({ size: start.length, weightDecay: weight_decay, clip })
  const rate = learningRate({ schedule: 'cosine', base: lr, warmupSteps: warmup, totalSteps: total })
  const gradient = new Float32Array(start.length)
  for (let step = 0; step < total; step++) {
    for (let i = 0; i < gradient.length; i++)
      gradient[i] = stiffness[i] * Math.fround(parameters[i] - target[i])
    optimizer.step(parameters, gradient, { lr: rate(step) })
  }
  // Two float32 runs of this length differ by their rounding, so the truth is PyTorch's run in float64.
  const { end_float32: float32, end_float64: truth } = reference.descent
  expect(largestGap(parameters, truth)).toBeLessThan(1e-6)
  expect(largestGap(parameters, truth)).toBeLessThan(largestGap(float32, truth))
})

test('the defaults are those of the published training, and torch for the rest', () => {
  const explicit = { lr: 1e-6, betas: [0.9, 0.999] as const, eps: 1e-8, weightDecay: 0.01, clip: 1 }
  const run = (optimizer: AdamW) => {
    // The small element shows eps, and the last step, with its large rate, weight decay.
    const parameters = Float32Array.of(1, 0)
    for (const gradient of [Float32Array.of(3, 4e-8), Float32Array.of(-0.1, 1e-8)])
      optimizer.step(parameters, gradient)
    const early = snapshot(optimizer, parameters)
    optimizer.step(parameters, Float32Array.of(0, 0), { lr: 1 })
    return [early, snapshot(optimizer, parameters)]
  }
  expect(run(new AdamW({ size: 2 }))).toEqual(run(new AdamW({ size: 2, ...explicit })))
  for (const other of [
    { lr: 2e-6 },
    { betas: [0.8, 0.999] as const },
    { betas: [0.9, 0.99] as const },
    { eps: 2e-8 },
    { weightDecay: 0.02 },
    { clip: 2 },
    { clip: null },
  ])
    expect(run(new AdamW({ size: 2, ...other }))).not.toEqual(run(new AdamW({ size: 2, ...explicit })))
})

test('the first step has the size of the learning rate, whatever the gradient (bias correction)', () => {
  const parameters = Float32Array.of(0, 0)
  new AdamW({ size: 2, weightDecay: 0, clip: null }).step(parameters, Float32Array.of(5, -0.01), { lr: 0.5 })
  expect(parameters[0]).toBeCloseTo(-0.5, 5)
  expect(parameters[1]).toBeCloseTo(0.5, 5)
})

test('weight decay is decoupled: it shrinks the parameters and leaves the moments alone', () => {
  const parameters = Float32Array.of(1, -2)
  const optimizer = new AdamW({ size: 2, lr: 0.1, weightDecay: 0.5 })
  optimizer.step(parameters, new Float32Array(2))
  expect([...parameters]).toEqual([Math.fround(0.95), Math.fround(-1.9)])
  expect([...optimizer.state.first, ...optimizer.state.second]).toEqual([0, 0, 0, 0])
})

test('clipping: clip / (norm + 1e-6), never above 1, and the gradient array stays as it is', () => {
  const gradient = Float32Array.of(3, 4)
  const optimizer = new AdamW({ size: 2, betas: [0, 0], clip: 0.5 })
  const report = optimizer.step(new Float32Array(2), gradient)
  expect(report).toEqual({ gradientNorm: 5, clipCoefficient: 0.5 / (5 + 1e-6), skipped: null })
  expect([...gradient]).toEqual([3, 4])
  // With betas 0 the first moment is the gradient that was used.
  expect(optimizer.state.first[0]).toBeCloseTo(0.3, 6)
  const small = new AdamW({ size: 2, clip: 100 }).step(new Float32Array(2), gradient)
  expect(small.clipCoefficient).toBe(1)
  const off = new AdamW({ size: 2, clip: null }).step(new Float32Array(2), gradient)
  expect(off).toEqual({ gradientNorm: 5, clipCoefficient: 1, skipped: null })
})

test.each([NaN, Infinity, -Infinity])('a gradient with %s is skipped as a whole and reported', (bad) => {
  for (const clip of [1, null]) {
    const parameters = Float32Array.of(1, 2, 3)
    const optimizer = new AdamW({ size: 3, clip })
    optimizer.step(parameters, Float32Array.of(1, 1, 1))
    const before = snapshot(optimizer, parameters)
    const report = optimizer.step(parameters, Float32Array.of(1, bad, 1))
    expect(report).toMatchObject({ clipCoefficient: 0, skipped: 'non-finite-gradient' })
    expect(Number.isFinite(report.gradientNorm)).toBe(false)
    expect(snapshot(optimizer, parameters)).toEqual(before)
  }
})

test('gradients at the float32 maximum: the norm does not overflow and clipping makes them usable', () => {
  const parameters = new Float32Array(4)
  const optimizer = new AdamW({ size: 4, lr: 1e-3, clip: 1 })
  const report = optimizer.step(parameters, new Float32Array(4).fill(float32Max))
  expect(report.skipped).toBe(null)
  expect(report.gradientNorm / (2 * float32Max)).toBeCloseTo(1, 12)
  expect(optimizer.state.first[0]).toBeCloseTo(0.05, 7)
  expect(parameters[0]).toBeCloseTo(-1e-3, 7)
})

test('unclipped gradients whose squares exceed float32 are skipped: they would poison the second moment', () => {
  const parameters = Float32Array.of(1, 1)
  const optimizer = new AdamW({ size: 2, betas: [0, 0], clip: null })
  const before = snapshot(optimizer, parameters)
  const report = optimizer.step(parameters, Float32Array.of(1.9e19, 0))
  expect(report).toEqual({
    gradientNorm: Math.fround(1.9e19),
    clipCoefficient: 0,
    skipped: 'gradient-overflow',
  })
  expect(snapshot(optimizer, parameters)).toEqual(before)
  expect(optimizer.step(parameters, Float32Array.of(1.8e19, 0)).skipped).toBe(null)
  expect(optimizer.state.second.every(Number.isFinite)).toBe(true)
})

test('a saved state continues bit for bit, and is not tied to the optimizer that it came from', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.float({ noNaN: true, min: -10, max: 10 }), { minLength: 5, maxLength: 5 }), {
        minLength: 2,
        maxLength: 8,
      }),
      fc.nat(),
      (gradients, cut) => {
        const options = { size: 5, lr: 0.01 }
        const straight = new AdamW(options)
        const all = Float32Array.of(1, -1, 0.5, 0, 3)
        for (const gradient of gradients) straight.step(all, Float32Array.from(gradient))

        const interrupted = new AdamW(options)
        const parameters = Float32Array.of(1, -1, 0.5, 0, 3)
        const at = cut % gradients.length
        for (const gradient of gradients.slice(0, at))
          interrupted.step(parameters, Float32Array.from(gradient))
        const saved = structuredClone(interrupted.state)
        const resumed = new AdamW({ ...options, state: saved })
        for (const gradient of gradients.slice(at)) resumed.step(parameters, Float32Array.from(gradient))
        expect(snapshot(resumed, parameters)).toEqual(snapshot(straight, all))
        expect(saved).toEqual(interrupted.state)
      },
    ),
    { seed: 3 },
  )
})

test('one pass: the gradient is read for its norm and for the update, every parameter once, no array is made', () => {
  const size = 1000
  const counts = { reads: 0, writes: 0 }
  const counting = (array: Float32Array) =>
    new Proxy(array, {
      get(target, key) {
        if (typeof key === 'string' && /^\d+$/.test(key)) counts.reads++
        return Reflect.get(target, key, target) as unknown
      },
      set(target, key, value) {
        counts.writes++
        return Reflect.set(target, key, value, target)
      },
    })
  const optimizer = new AdamW({ size })
  optimizer.step(new Float32Array(size), counting(new Float32Array(size).fill(1)))
  expect(counts).toEqual({ reads: 2 * size, writes: 0 })
  counts.reads = 0
  optimizer.step(counting(new Float32Array(size)), new Float32Array(size).fill(1))
  expect(counts).toEqual({ reads: size, writes: size })

  const large = new AdamW({ size: 1_000_000 })
  const [parameters, gradient] = [new Float32Array(1_000_000), new Float32Array(1_000_000).fill(1)]
  const before = process.memoryUsage().arrayBuffers
  large.step(parameters, gradient)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
})

test('lengths that do not fit are refused before anything is written', () => {
  const optimizer = new AdamW({ size: 3 })
  const parameters = Float32Array.of(1, 2, 3)
  const before = snapshot(optimizer, parameters)
  for (const [p, g, name, length] of [
    [parameters, new Float32Array(2), 'gradient', 2],
    [new Float32Array(4), new Float32Array(3), 'parameters', 4],
  ] as const)
    expect(() => optimizer.step(p, g)).toThrow(
      expect.objectContaining({ code: 'LENGTH_MISMATCH', details: { name, expected: 3, length } }),
    )
  expect(() => optimizer.step(parameters, Float32Array.of(1, 1, 1), { lr: NaN })).toThrow('lr: must be')
  expect(snapshot(optimizer, parameters)).toEqual(before)
})

test('a state that does not fit is refused', () => {
  const fits: AdamWState = { step: 1, first: new Float32Array(2), second: new Float32Array(2) }
  expect(new AdamW({ size: 2, state: fits }).state).toEqual(fits)
  for (const broken of [{ first: new Float32Array(3) }, { second: new Float32Array(0) }])
    expect(() => new AdamW({ size: 2, state: { ...fits, ...broken } })).toThrow(
      expect.objectContaining({ code: 'LENGTH_MISMATCH' }),
    )
  for (const step of [-1, 1.5])
    expect(() => new AdamW({ size: 2, state: { ...fits, step } })).toThrow('state.step: must be an integer')
})

test.each([
  { size: -1 },
  { lr: -1 },
  { betas: [1, 0.9] as const },
  { betas: [0.9, -0.1] as const },
  { eps: 0 },
  { weightDecay: -0.1 },
  { clip: 0 },
])('the option %j is refused', (option) => {
  expect(() => new AdamW({ size: 1, ...option })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('an optimizer of nothing steps without a gradient', () => {
  expect(new AdamW({ size: 0 }).step(new Float32Array(0), new Float32Array(0))).toEqual({
    gradientNorm: 0,
    clipCoefficient: 1,
    skipped: null,
  })
})

test('plain arrays are refused: their moments would be float64', () => {
  const state = { step: 1, first: [0] as unknown as Float32Array, second: [0] as unknown as Float32Array }
  expect(() => new AdamW({ size: 1, state })).toThrow('state.first: must be a Float32Array')
})

test.each([
  ['first', NaN],
  ['first', Infinity],
  ['second', -1],
  ['second', NaN],
  ['second', Infinity],
] as const)('a state whose %s moment holds %d is refused', (name, value) => {
  const state = { step: 3, first: new Float32Array(2), second: new Float32Array(2) }
  state[name][1] = value
  expect(() => new AdamW({ size: 2, state })).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(
        `^state.${name}: must hold finite numbers.* got ${value} at place 1;`,
      ) as string,
    }),
  )
})
