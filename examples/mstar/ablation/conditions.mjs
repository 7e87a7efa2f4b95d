/**
 * What is compared. A run is a condition and a seed; the seed varies every draw and the order of what is learned. `settings` is
 * all that decides a run, so a stored run with other settings counts as not done.
 *
 * `variants` have equal optimizer steps and nearly equal generations: a cycle of a share of the questions learns that share of
 * `round`, the steps after which all questions were asked once. `sft` starts where the warm-up does, and has its steps too.
 */
import { cycles, warmup } from '../parts.mjs'

/** Charts of a run, with two questions each. */
const charts = { train: 240, test: 100 }
/** Optimizer steps in which the questions are gone through once; there are two rounds. */
const round = cycles.total_steps / 2

function inCycles(share, given = {}) {
  return {
    start: 'warm-up',
    improve: {
      ...cycles,
      interval: 2 * charts.train * share,
      most_lessons: cycles.batch_size * round * share,
      ...given,
    },
  }
}

const variants = [
  { name: 'base', start: 'checkpoint' },
  { name: 'warm-up', start: 'warm-up' },
  { name: 'continuous 25 %', ...inCycles(1 / 4) },
  { name: 'rft', ...inCycles(1, { variant: 'rft' }) },
  { name: 'restem', ...inCycles(1, { variant: 'restem' }) },
  {
    name: 'sft',
    start: 'checkpoint',
    improve: {
      ...cycles,
      total_steps: warmup.total_steps + cycles.total_steps,
      variant: 'sft',
      interval: 2 * charts.train,
    },
  },
  { name: 'continuous 100 %', ...inCycles(1) },
  { name: 'continuous 50 %', ...inCycles(1 / 2) },
  { name: 'continuous 12.5 %', ...inCycles(1 / 8) },
  { name: 'continuous 6.25 %', ...inCycles(1 / 16) },
]

export const experiments = { variants }

/**
 * Returns runs of an experiment, those of the first seed first.
 * @param {{ experiment: string, seeds: number, only?: string[] }} options
 * @returns {{ condition: string, seed: number, settings: { improve?: Record<string, number> } }[]}
 */
export function plannedRuns({ experiment, seeds, only }) {
  return Array.from({ length: seeds }, (_, i) =>
    experiments[experiment]
      .filter(({ name }) => only === undefined || only.includes(name))
      .map(({ name, ...settings }) => ({
        condition: name,
        seed: i + 1,
        settings: { ...settings, charts, ...(settings.start === 'warm-up' && { warmup }) },
      })),
  ).flat()
}
