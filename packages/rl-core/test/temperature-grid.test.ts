import { temperatureGrid } from '@evolmm/rl-core'
import { expect, test } from 'vitest'
import { frozen } from './frozen'

test('the published grid is tried in order, one score at a time', async () => {
  const controller = temperatureGrid()
  let running = 0
  const tried: number[] = []
  const { state, scores } = await controller.search(async (temperature) => {
    expect(running++).toBe(0)
    await Promise.resolve()
    running--
    tried.push(temperature)
    return -((temperature - 0.7) ** 2)
  }, controller.initial)
  expect(tried).toEqual([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
  expect(state).toEqual({ temperature: 0.7 })
  expect(scores.map(({ temperature }) => temperature)).toEqual(tried)
  expect(scores[0].score).toBeCloseTo(-0.16, 12)
})

test('a search is due after every second iteration, or as asked', () => {
  const due = (every?: number) => {
    const controller = temperatureGrid(every === undefined ? {} : { every })
    return [0, 1, 2, 3, 4, 5, 6].filter((completed) => controller.due(completed))
  }
  expect(due()).toEqual([2, 4, 6])
  expect(due(3)).toEqual([3, 6])
})

test('equal scores: nearest to the current temperature, then the lower', async () => {
  const controller = temperatureGrid()
  const search = async (best: number[], temperature: number) => {
    const score = (tried: number) => (best.includes(tried) ? 1 : 0)
    return (await controller.search(score, { temperature })).state.temperature
  }
  expect(await search([0.4, 0.8, 1.5], 1)).toBe(0.8)
  expect(await search([0.4, 0.8, 1.5], 1.4)).toBe(1.5)
  // Equally far but for rounding: 0.9 - 0.8 is smaller than 0.8 - 0.7 in binary, 1 - 0.9 smaller than 1.1 - 1.
  expect(await search([0.7, 0.9], 0.8)).toBe(0.7)
  expect(await search([0.9, 1.1], 1)).toBe(0.9)
  expect(await search([], 1)).toBe(1)
})

test('a score that is not finite is never chosen', async () => {
  const controller = temperatureGrid({ grid: [0.5, 1, 1.5, 2] })
  const scores = [NaN, -3, Infinity, -5]
  const { state } = await controller.search(() => scores.shift() ?? NaN, controller.initial)
  expect(state).toEqual({ temperature: 1 })
})

test('no finite score is a typed error, an error of the score is passed on, and the state stays', async () => {
  const controller = temperatureGrid({ grid: [1] })
  const state = frozen({ temperature: 0.6 })
  await expect(controller.search(() => -Infinity, state)).rejects.toMatchObject({
    code: 'NO_FINITE_SCORE',
    details: { scores: [{ temperature: 1, score: -Infinity }] },
  })
  const broken = new Error('validation set is gone')
  await expect(controller.search(() => Promise.reject(broken), state)).rejects.toBe(broken)
  expect(state).toEqual({ temperature: 0.6 })
})

test('the state is plain data and starts at 1, or as asked', async () => {
  expect(temperatureGrid().initial).toEqual({ temperature: 1 })
  const controller = temperatureGrid({ start: 0.8, grid: [0.5, 1] })
  expect(controller.initial).toEqual({ temperature: 0.8 })
  const { state } = await controller.search(() => 0, frozen(controller.initial))
  expect(frozen(state)).toEqual({ temperature: 1 })
})

test('options are checked', () => {
  expect(() => temperatureGrid({ grid: [] })).toThrow('grid.length: must be')
  expect(() => temperatureGrid({ grid: [1, 0] })).toThrow('grid[1]: must be')
  expect(() => temperatureGrid({ every: 0 })).toThrow('every: must be')
  expect(() => temperatureGrid({ start: -1 })).toThrow('start: must be')
})
