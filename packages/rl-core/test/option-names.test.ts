import { expect, test } from 'vitest'
import {
  AdamW,
  adaptiveKl,
  collapseDetector,
  collapseWatch,
  emaBaseline,
  EvolmmError,
  groupNormalized,
  learningRate,
  temperatureGrid,
} from '../src/index'

/** Whatever takes options, with an option that is mistyped as plain JavaScript allows, and the one that is meant. */
const mistyped: readonly (readonly [
  owner: string,
  make: (options: never) => unknown,
  typed: object,
  meant: string,
])[] = [
  ['AdamW', (options) => new AdamW(options), { size: 1, weigthDecay: 0 }, 'weightDecay'],
  ['adaptiveKl', adaptiveKl, { coeficient: 1 }, 'coefficient'],
  ['collapseDetector', collapseDetector, { entropyFloor: 0, patience: 1, pacience: 2 }, 'patience'],
  ['collapseWatch', collapseWatch, { windw: 1 }, 'window'],
  ['emaBaseline', emaBaseline, { decy: 0.5 }, 'decay'],
  ['groupNormalized', groupNormalized, { sacle: false }, 'scale'],
  ['learningRate', learningRate, { schedule: 'constant', base: 1, warmup_steps: 3 }, 'warmupSteps'],
  ['temperatureGrid', temperatureGrid, { grids: [1] }, 'grid'],
]

test.each(mistyped)('%s refuses an option that it does not have', (owner, make, typed, meant) => {
  let thrown: unknown
  try {
    make(typed as never)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(EvolmmError)
  const option = Object.keys(typed).at(-1)
  expect(thrown).toMatchObject({ code: 'INVALID_OPTION', details: { option } })
  expect((thrown as EvolmmError).message).toBe(
    `${option}: must be an option of ${owner}, got an unknown name; did you mean ${meant}?`,
  )
})
