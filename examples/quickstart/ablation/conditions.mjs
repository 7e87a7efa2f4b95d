/**
 * What is compared. A run is a condition and a seed; the seed varies the adapter's random start, the order of the images
 * and every draw. `settings` is all that decides a run, so a stored run with other settings counts as not done.
 *
 * `tune` was used to choose `lr`, `beta` and the number of updates, on the charts of that split and seeds from 101; `main` is
 * reported, on those of the test split, and so are `long`, which takes `--updates=800`, and `reading`, from the second
 * checkpoint.
 *
 * `update` compares one step on the answers to an image with a step on each, an image at a time, with `--updates=200`.
 *
 * The settings are in `conditions.json`. `proposerEvery` is the number of iterations between two updates of the proposer, 0
 * for none. The conditions are in the order of importance. `discrete-equal-kl` ends at the divergence of `continuous` on the
 * tune split; `discrete-fast` is meant to fail, so that one sees which signs show it. `grid` has `lr` and `beta`: discrete
 * rewards push harder, and so get larger betas. Runs with `onTheWay` are also measured after each of `steps`.
 */
import { common, conditions as mainConditions, grid, steps, updates as updateKinds } from './conditions.json'

const tuneConditions = Object.entries(grid).flatMap(([reward, points]) =>
  points.map(([lr, beta]) => ({
    name: `${reward} lr ${lr} beta ${beta}`,
    // The number of updates is chosen here too.
    onTheWay: reward === common.reward && lr === common.lr && beta === common.beta,
    reward,
    lr,
    beta,
  })),
)

/** The conditions that start from the model that writes down what it reads before it answers. */
const readingConditions = mainConditions.filter(({ name }) =>
  ['base', 'continuous', 'discrete', 'random', 'oracle'].includes(name),
)

/** The conditions that are measured on the way, with more updates. */
const longConditions = mainConditions.filter(({ onTheWay }) => onTheWay)

/** A step on each of five answers is five steps, so that a fifth of the images has as many of them as one step on all. */
const updateConditions = updateKinds.map((kind) => ({ ...kind, baseline: 'ema', batch: 1, shares: [1 / 5] }))

/** Every name, in the order of tables. */
export const conditionNames = [...mainConditions, ...tuneConditions, ...updateConditions].map(
  ({ name }) => name,
)

const experiments = {
  tune: { conditions: tuneConditions, split: 'tune', start: 'checkpoint', firstSeed: 101 },
  main: { conditions: mainConditions, split: 'test', start: 'checkpoint', firstSeed: 1 },
  long: { conditions: longConditions, split: 'test', start: 'checkpoint', firstSeed: 1 },
  reading: { conditions: readingConditions, split: 'test', start: 'checkpoint-reading', firstSeed: 1 },
  update: { conditions: updateConditions, split: 'test', start: 'checkpoint', firstSeed: 1 },
}

/** @returns runs of an experiment, those of the first condition first. */
export function plannedRuns({ experiment, seeds, updates, only }) {
  const { conditions, split, start, firstSeed } = experiments[experiment]
  const runs = conditions.flatMap(({ name, base, onTheWay, shares = [], ...settings }) => {
    const last = base ? 0 : updates
    return Array.from({ length: seeds }, (_, i) => ({
      condition: name,
      seed: firstSeed + i,
      settings: {
        start,
        split,
        updates: last,
        measured: [
          ...(onTheWay ? steps.filter((step) => step < last) : []),
          ...shares.map((share) => Math.round(share * last)),
          last,
        ],
        ...(base ? {} : { ...common, ...settings }),
      },
    }))
  })
  return runs.filter(({ condition }) => only === undefined || only.includes(condition))
}
