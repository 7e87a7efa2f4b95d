/**
 * Tests that are long by nature (kills, memory over many iterations, fuzzing) come in three sizes. `npm test` takes the
 * smallest. `EVOLMM_TESTS=ci`, which `.ci/run` adds, and `EVOLMM_TESTS=soak`, which `.ci/soak` runs, take more.
 */
import { test } from 'vitest'

/** How many of what such a test goes through, in each size. */
export interface Sizes {
  /** The plural of what is counted: 'kills', 'cases'. */
  of: string
  test: number
  ci: number
  soak: number
}

export interface Sized {
  count: number
  /** The number that decides which ones are drawn; `EVOLMM_SEED` gives another. */
  seed: number
}

declare module 'vitest' {
  interface TaskMeta {
    sized?: Sized & { of: string }
  }
}

const size = chosenSize()
const seed = chosenSeed()

/** A test whose length is chosen from outside. Its title names count and seed, so that a failure can be had again. */
export function sizedTest(title: string, sizes: Sizes, body: (sized: Sized) => unknown): void {
  const count = sizes[size]
  const options = {
    tags: ['sized'],
    meta: { sized: { count, seed, of: sizes.of } },
    ...(size === 'soak' && { timeout: 3_600_000 }),
  }
  test(`${title} (${count.toLocaleString('en')} ${sizes.of}, seed ${seed})`, options, () =>
    body({ count, seed }),
  )
}

function chosenSize(): 'test' | 'ci' | 'soak' {
  const { EVOLMM_TESTS: text = 'test' } = process.env
  if (text === 'test' || text === 'ci' || text === 'soak') return text
  throw new Error(`EVOLMM_TESTS: must be test, ci or soak, got ${text}`)
}

function chosenSeed(): number {
  const { EVOLMM_SEED: text = '1' } = process.env
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 31) return number
  throw new Error(`EVOLMM_SEED: must be an integer from 0 to 2^31 - 1, got ${text}`)
}
