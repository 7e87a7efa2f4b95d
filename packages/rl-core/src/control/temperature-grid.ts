/**
 * Sampling temperature by grid search (M-STaR): every few iterations each temperature of a grid is scored on a
 * validation set, and the best one is used until the next search.
 *
 * Equal scores: the temperature nearest to the current one wins, then the lower. A score that is not finite is never
 * chosen.
 */
import { checkFunction, checkInteger, checkNames, checkNumber, checkObject } from '@evolmm/internal'
import { EvolmmError } from '../errors'

export interface TemperatureGridOptions {
  /** The temperatures that are tried. @default 0.3, 0.4, ..., 1.6 (14 values) */
  grid?: readonly number[]
  /** The number of iterations from one search to the next. @default 2 */
  every?: number
  /** Temperature before the first search. @default 1 */
  start?: number
}

export interface TemperatureState {
  readonly temperature: number
}

/** What a temperature was worth, in the order of the grid. */
export interface ScoredTemperature {
  temperature: number
  score: number
}

export interface TemperatureController {
  /** The state before the first search. */
  readonly initial: TemperatureState
  /** True if a search is due after `completed` iterations; before the first one it never is. */
  due(completed: number): boolean
  /**
   * Scores the grid, one temperature after the other, and moves to the best. An error of `score` is passed on;
   * `NO_FINITE_SCORE` when no score is finite.
   */
  search(
    score: (temperature: number) => number | Promise<number>,
    state: TemperatureState,
  ): Promise<{ state: TemperatureState; scores: ScoredTemperature[] }>
}

/** The temperatures of the paper: 0.3, 0.4, ..., 1.6. */
export const publishedTemperatures: readonly number[] = Array.from(
  { length: 14 },
  (_, index) => (index + 3) / 10,
)

export function temperatureGrid(options: TemperatureGridOptions = {}): TemperatureController {
  checkNames('temperatureGrid', options, { grid: true, every: true, start: true })
  const grid = (options.grid ?? publishedTemperatures).map((value, index) =>
    checkNumber(`grid[${index}]`, value, { above: 0 }),
  )
  checkInteger('grid.length', grid.length, { min: 1 })
  const every = checkInteger('every', options.every ?? 2, { min: 1 })
  const start = checkNumber('start', options.start ?? 1, { above: 0 })

  return {
    initial: { temperature: start },
    due: (completed) => completed > 0 && completed % every === 0,
    async search(score, state) {
      checkFunction('score', score)
      checkObject('state', state)
      const current = checkNumber('state.temperature', state.temperature, { above: 0 })
      const scores: ScoredTemperature[] = []
      for (const temperature of grid) scores.push({ temperature, score: await score(temperature) })
      return { state: { temperature: best(scores, current) }, scores }
    },
  }
}

function best(scores: readonly ScoredTemperature[], current: number): number {
  const finite = scores.filter(({ score }) => Number.isFinite(score))
  if (finite.length === 0)
    throw new EvolmmError(
      'NO_FINITE_SCORE',
      `temperature search: at least one score must be finite, got ${scores.map(({ score }) => score).join(', ')}; check the score function`,
      { details: { scores } },
    )
  const highest = Math.max(...finite.map(({ score }) => score))
  // In billionths: 0.9 and 1.1 are equally far from 1 but for rounding.
  const distance = (temperature: number): number => Math.round(Math.abs(temperature - current) * 1e9)
  return finite
    .filter(({ score }) => score === highest)
    .map(({ temperature }) => temperature)
    .sort((a, b) => distance(a) - distance(b) || a - b)[0]
}
