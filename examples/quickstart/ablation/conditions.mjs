/**
 * What is compared. A run is a condition and a seed; the seed varies the adapter's random start, the order of the images
 * and every draw. `settings` is all that decides a run, so a stored run with other settings counts as not done.
 *
 * `tune` was used to choose `lr`, `beta` and the number of updates, on the charts of that split and seeds from 101; `main` is
 * reported, on those of the test split, and so are `long`, which takes `--updates=800`, and `reading`, from the second
 * checkpoint.
 */
const common = {
  reward: 'continuous',
  lr: 3e-4,
  beta: 0.1,
  control: 'fixed',
  baseline: 'leave-one-out',
  /** Iterations between two updates of the proposer; 0 is never. */
  proposerEvery: 0,
  proposerLr: 3e-4,
}

/** In the order of importance. */
const mainConditions = [
  { name: 'base', base: true },
  { name: 'continuous', onTheWay: true },
  { name: 'discrete', onTheWay: true, reward: 'discrete' },
  { name: 'random', reward: 'random' },
  { name: 'oracle', reward: 'oracle' },
  // On the tune split this ends at the same divergence as `continuous`.
  { name: 'discrete-equal-kl', reward: 'discrete', beta: 0.2 },
  { name: 'ema', baseline: 'ema' },
  { name: 'adaptive-kl', control: 'adaptive', beta: 1e-3 },
  { name: 'proposer-trained', proposerEvery: 5 },
  { name: 'proposer-hard', proposerEvery: 1, proposerLr: 2.1e-3 },
  { name: 'confident', reward: 'confident' },
  // Meant to fail: which signs show it?
  { name: 'discrete-fast', reward: 'discrete', lr: 1e-3, beta: 0.03 },
]

/** `lr` and `beta`. Discrete rewards push harder, and so get larger betas. */
const grid = {
  continuous: [
    [1e-4, 0.03],
    [3e-4, 0.03],
    [3e-4, 0.1],
    [3e-4, 0.2],
    [3e-4, 0.3],
    [1e-3, 0.1],
  ],
  discrete: [
    [3e-4, 0.1],
    [3e-4, 0.2],
    [3e-4, 0.4],
  ],
}
const tuneConditions = Object.entries(grid).flatMap(([reward, points]) =>
  points.map(([lr, beta]) => ({
    name: `${reward} lr ${lr} beta ${beta}`,
    // How many updates are enough is chosen here too.
    onTheWay: reward === common.reward && lr === common.lr && beta === common.beta,
    reward,
    lr,
    beta,
  })),
)

/** Of the start that writes down what it reads before it answers. */
const readingConditions = mainConditions.filter(({ name }) =>
  ['base', 'continuous', 'discrete', 'random', 'oracle'].includes(name),
)

/** Those whose way is measured, with more updates. */
const longConditions = mainConditions.filter(({ onTheWay }) => onTheWay)

/** Every name, in the order of tables. */
export const conditionNames = [...mainConditions, ...tuneConditions].map(({ name }) => name)

const experiments = {
  tune: { conditions: tuneConditions, split: 'tune', start: 'checkpoint', firstSeed: 101 },
  main: { conditions: mainConditions, split: 'test', start: 'checkpoint', firstSeed: 1 },
  long: { conditions: longConditions, split: 'test', start: 'checkpoint', firstSeed: 1 },
  reading: { conditions: readingConditions, split: 'test', start: 'checkpoint-reading', firstSeed: 1 },
}

/** Updates after which runs are measured; only those with `onTheWay` before their end. */
const steps = [100, 200, 300, 500, 800]

/** @returns runs of an experiment, those of the first condition first. */
export function plannedRuns({ experiment, seeds, updates, only }) {
  const { conditions, split, start, firstSeed } = experiments[experiment]
  const runs = conditions.flatMap(({ name, base, onTheWay, ...settings }) => {
    const last = base ? 0 : updates
    return Array.from({ length: seeds }, (_, i) => ({
      condition: name,
      seed: firstSeed + i,
      settings: {
        start,
        split,
        updates: last,
        measured: [...(onTheWay ? steps.filter((step) => step < last) : []), last],
        ...(base ? {} : { ...common, ...settings }),
      },
    }))
  })
  return runs.filter(({ condition }) => only === undefined || only.includes(condition))
}
