/**
 * What is compared. A run is a condition and a seed; the seed varies every draw and the order of what is learned. `settings` is
 * all that decides a run, so a stored run with other settings counts as not done.
 *
 * `variants` have equal optimizer steps and nearly equal generations: a cycle of a share of the questions learns that share of
 * `round`, the steps after which all questions were asked once. `sft` starts where the warm-up does, and has its steps too.
 *
 * `selection` and all after it have cycles of a quarter of the questions, of which all that is kept is learned. `scores` says
 * whose: those of the reward model that is learned from the warm-up's model, `random` ones, or those of an `oracle` that knows
 * which steps are true. `verifier` improves nothing: it draws 64 answers to each question of the examination, and chooses.
 * `unlabelled` has answers to half of the questions alone.
 */
import { cycles, reward, warmup } from '../parts.mjs'

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

const selected = (name, improve, more = {}) => ({
  name,
  start: 'warm-up',
  improve: { ...cycles, interval: 120, ...improve },
  ...more,
})
const top = (k) => ({ selection: 'top-k', select_k: k })
const learned = { scores: 'learned', reward }
/** A threshold is chosen on as many charts. */
const watched = { charts: { ...charts, validation: 20 } }

const selection = [
  selected('none', {}),
  selected('random-2', { selection: 'random-k', select_k: 2 }),
  ...[2, 1, 4].map((k) => selected(`top-${k}`, top(k), learned)),
  selected('threshold', { selection: 'threshold' }, { ...learned, ...watched }),
  ...[2, 1, 4].map((k) => selected(`top-${k}, oracle`, top(k), { scores: 'oracle' })),
  selected('threshold, oracle', { selection: 'threshold', select_alpha: 0.5 }, { scores: 'oracle' }),
  selected('top-2, random scores', top(2), { scores: 'random' }),
]

const verifier = [{ name: 'verifier', start: 'warm-up', ...learned, drawn: 64 }]

const further = { charts: { ...charts, train: 120, unlabelled: 120 } }
const mixIns = [0, 0.25, 0.5, 0.75]
const unlabelled = [
  selected('labelled alone', { ...top(2), interval: 0.25 }, { ...learned, ...further }),
  ...[false, true].flatMap((oracle) =>
    mixIns.map((from) =>
      selected(
        `${oracle ? 'oracle' : 'vote'} from ${100 * from} %`,
        { ...top(2), interval: 0.25, unlabelled_from: from, oracle },
        { ...learned, ...further },
      ),
    ),
  ),
]

const temperatures = [
  ...[1, 0.5, 1.5].map((temperature) =>
    selected(`T ${temperature.toFixed(1)}`, { ...top(2), temperature }, { ...learned, ...watched }),
  ),
  selected(
    'adaptive T',
    { ...top(2), adaptive_temperature: true, temperature_every: 4, sweep_questions: 10 },
    { ...learned, ...watched },
  ),
]

export const experiments = { variants, selection, verifier, unlabelled, temperatures }

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
        settings: {
          ...settings,
          charts: settings.charts ?? charts,
          ...(settings.start === 'warm-up' && { warmup }),
        },
      })),
  ).flat()
}
