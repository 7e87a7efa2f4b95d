/** Every table of docs/results.md about M-STaR in the tiny world, from the stored runs alone. */
import { percent, plain } from '../../shared/estimates.mjs'
import { markdownTable } from '../../shared/markdown-table.mjs'
import { experiments } from './conditions.mjs'

/** Returns Markdown by name. */
export function tables({ variants, selection, verifier, unlabelled, temperatures }) {
  const made = {
    Variants: variants.length > 0 && accuracies('variants', variants),
    Selection: selection.length > 0 && accuracies('selection', selection),
    Verifier: verifier.length > 0 && choices(verifier),
    Unlabelled: unlabelled.length > 0 && accuracies('unlabelled', unlabelled),
    Temperatures: temperatures.length > 0 && accuracies('temperatures', temperatures),
    Dynamics: temperatures.length > 0 && onTheWay(temperatures),
  }
  return Object.fromEntries(Object.entries(made).filter(([, table]) => table !== false))
}

/**
 * In-domain numbers, greedy and drawn ones out of domain, the answers that were drawn to learn from, and the share of those that
 * were kept which is true in every step.
 */
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
      'kept, proven',
    ],
    grouped(experiment, runs).map(([name, some]) => [
      name,
      String(some.length),
      ...[...shown, ...beyond].map(([set, measure]) =>
        percent(some.map(({ figures }) => figures[set][measure])),
      ),
      mean(some.map(({ cycles }) => cycles.reduce((sum, { answers }) => sum + answers, 0))).toFixed(0),
      percent(some.flatMap(({ cycles }) => keptProven(cycles) ?? [])),
    ]),
  )
}

/** Over all cycles, by what each has learned; undefined where no answer was drawn. */
function keptProven(cycles) {
  const known = cycles.filter(({ proven }) => typeof proven === 'number')
  const kept = known.reduce((sum, cycle) => sum + cycle.kept, 0)
  return kept === 0 ? undefined : known.reduce((sum, cycle) => sum + cycle.kept * cycle.proven, 0) / kept
}

/** What n answers say, in-domain. */
function choices(runs) {
  const rules = ['majority', 'weighted', 'best', 'any']
  return markdownTable(
    ['answers', ...rules, ...rules.slice(0, 3).map((rule) => `${rule}, other`)],
    runs[0].chosen.test.map(({ n }, place) => [
      String(n),
      ...rules.map((rule) => percent(runs.map(({ chosen }) => chosen.test[place][rule]))),
      ...rules.slice(0, 3).map((rule) => percent(runs.map(({ chosen }) => chosen.other[place][rule]))),
    ]),
  )
}

/** What was watched after the first cycle, halfway, and after the last one. */
function onTheWay(runs) {
  const measures = ['greedy', 'any', 'headroom', 'rewardPass2', 'majority', 'weightedMajority']
  const rows = grouped('temperatures', runs).flatMap(([name, some]) =>
    [0, 0.5, 1].map((share) => {
      const cycles = some.map((run) => run.cycles[Math.round(share * (run.cycles.length - 1))])
      const watched = cycles.flatMap(({ dynamics }) =>
        dynamics ? { ...dynamics, any: Math.max(...Object.values(dynamics.pass)) } : [],
      )
      return [
        `${name}, ${['first', 'halfway', 'last'][2 * share]}`,
        plain(
          cycles.map(({ temperature }) => temperature),
          1,
        ),
        ...measures.map((measure) => percent(watched.flatMap((one) => one[measure] ?? []))),
      ]
    }),
  )
  return markdownTable(['cycle', 'T', ...measures], rows)
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
