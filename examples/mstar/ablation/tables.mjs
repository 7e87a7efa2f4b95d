/** Every table of docs/results.md about M-STaR in the tiny world, from the stored runs alone. */
import { percent } from '../../shared/estimates.mjs'
import { markdownTable } from '../../shared/markdown-table.mjs'
import { experiments } from './conditions.mjs'

/** Returns Markdown by name. */
export function tables({ variants }) {
  const made = { Variants: variants.length > 0 && accuracies('variants', variants) }
  return Object.fromEntries(Object.entries(made).filter(([, table]) => table !== false))
}

/** In-domain numbers, greedy and drawn ones out of domain, and the answers that were drawn to learn from. */
function accuracies(experiment, runs) {
  const shown = ['greedy', 'sampled', 'majority', 'any', 'proven'].map((measure) => ['test', measure])
  const beyond = ['greedy', 'sampled', 'proven'].map((measure) => ['other', measure])
  return markdownTable(
    [
      'condition',
      'seeds',
      ...shown.map(([, measure]) => measure),
      ...beyond.map(([, measure]) => `${measure}, other`),
      'drawn',
    ],
    grouped(experiment, runs).map(([name, some]) => [
      name,
      String(some.length),
      ...[...shown, ...beyond].map(([set, measure]) =>
        percent(some.map(({ figures }) => figures[set][measure])),
      ),
      String(
        Math.round(mean(some.map(({ cycles }) => cycles.reduce((sum, { answers }) => sum + answers, 0)))),
      ),
    ]),
  )
}

/** Runs of each condition, in the order of the conditions. */
function grouped(experiment, runs) {
  return experiments[experiment]
    .map(({ name }) => [name, runs.filter(({ condition }) => condition === name)])
    .filter(([, some]) => some.length > 0)
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
