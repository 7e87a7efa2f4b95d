/**
 * Tests that are long by nature (kills, memory over many iterations, fuzzing) come in three sizes. `npm test` takes the
 * smallest. `EVOLMM_TESTS=ci`, which `.ci/run` adds, and `EVOLMM_TESTS=soak`, which `.ci/soak` runs, take more.
 */
import { test } from 'vitest'

/**
 * How many of what a test goes through, in `npm test`, `.ci/run` and `.ci/soak`: `{ kills: [3, 12, 200] }`. With 0 it is
 * skipped there, and its title says so.
 */
export type Sizes = Record<string, readonly [test: number, ci: number, soak: number]>

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

const sizeNames = ['test', 'ci', 'soak']
const size = chosenSize()
const seed = chosenSeed()

/** A test whose length is chosen from outside. Its title names count and seed, so that a failure can be had again. */
export function sizedTest(title: string, sizes: Sizes, body: (sized: Sized) => unknown): void {
  const [[of, counts]] = Object.entries(sizes)
  const count = counts[sizeNames.indexOf(size)]
  if (count === 0) {
    test.skip(`${title}, skipped: it is long, and .ci/${counts[1] === 0 ? 'soak' : 'run'} takes it`)
    return
  }
  const options = {
    tags: ['sized'],
    meta: { sized: { count, seed, of } },
    ...(size === 'soak' && { timeout: 3_600_000 }),
  }
  test(`${title} (${count.toLocaleString('en')} ${of}, seed ${seed})`, options, () => body({ count, seed }))
}

function chosenSize(): string {
  const { EVOLMM_TESTS: name = 'test' } = process.env
  if (sizeNames.includes(name)) return name
  throw new Error(`EVOLMM_TESTS: must be ${sizeNames.join(', ')}, got ${name}`)
}

function chosenSeed(): number {
  const { EVOLMM_SEED: text = '1' } = process.env
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 31) return number
  throw new Error(`EVOLMM_SEED: must be an integer from 0 to 2^31 - 1, got ${text}`)
}
