/** Every gradient rule against central differences: at chosen shapes, at random ones, and with dimensions that are only names. */
import { sizedTest } from '@evolmm/internal/testing'
import { describe, expect, test } from 'vitest'
import { families } from './cases/index'
import { gradientError, generator } from './support/check-gradient'
import { drawFrom, type GradientCase } from './support/gradient-case'

/** Rounds at random shapes, alternately with static and with symbolic dimensions. */
const rounds = { rounds: [2, 4, 40] } as const

for (const [family, operators] of Object.entries(families)) {
  describe(family, () => {
    for (const [opType, cases] of Object.entries(operators)) {
      for (const [index, each] of cases.entries()) {
        const title = `${opType}${each.name === undefined ? '' : `, ${each.name}`}`
        const ways = each.symbolic === undefined ? [false, true] : [each.symbolic]
        test.each(ways)(`${title}, symbolic %s`, async (symbolic) => {
          expect(await gradientError({ ...each, symbolic })).toBeLessThan(each.tolerance ?? 1e-6)
        })
        if (each.random !== undefined) {
          sizedTest(`${title}, random shapes`, rounds, async ({ count, seed }) => {
            for (let round = 1; round <= count; round++)
              await checkRandom(each, 10_000 * (seed - 1) + 100 * index + round, ways[round % ways.length])
          })
        }
      }
    }
  })
}

async function checkRandom(each: GradientCase, seed: number, symbolic: boolean): Promise<void> {
  const shapes = each.random?.(drawFrom(generator(seed))) ?? []
  const error = await gradientError({ ...each, shapes, symbolic, seed, values: [] })
  const where = `shapes ${JSON.stringify(shapes)}, symbolic ${symbolic}`
  expect(error, where).toBeLessThan(each.tolerance ?? 1e-6)
}
