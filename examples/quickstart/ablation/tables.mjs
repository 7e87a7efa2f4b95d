/** Every table of docs/results.md about the tiny world, from the stored runs alone. */
import { questionKinds } from '@evolmm/tiny-world'
import { conditionNames } from './conditions.mjs'
import { percent, plain } from '../../shared/estimates.mjs'
import { markdownTable } from '../../shared/markdown-table.mjs'
import { rankCorrelation } from '../../shared/statistics.mjs'

/** Places in the stored rows of accuracy. */
const [greedy, sampled, voted, agreement] = [0, 1, 2, 3]

/** @returns Markdown by name. */
export function tables({ main, tune, long, reading, update }) {
  const made = {
    'Hyper-parameters': tune.length > 0 && tuning(tune),
    'Hyper-parameters, on the way': onTheWay(tune),
    Conditions: main.length > 0 && conditions(main),
    Differences: main.length > 0 && differences(main),
    'Adaptive KL': main.length > 0 && adaptiveKl(main),
    'On the way': onTheWay(main),
    Kinds: main.length > 0 && kinds(main),
    Modes: main.length > 0 && mostFrequent(main),
    Splits: main.length > 0 && splits(main),
    Signs: main.length > 0 && signs(main),
    Alarms: main.length > 0 && alarms(main),
    Rank: main.length > 0 && rankings(main),
    Thresholds: main.length > 0 && thresholds(main),
    Questions: main.length > 0 && questions(main),
    'More updates': onTheWay(long),
    Reading: reading.length > 0 && conditions(reading),
    'Reading, differences': reading.length > 0 && differences(reading),
    'Reading, on the way': onTheWay(reading),
    'Reading, kinds': reading.length > 0 && towardsTheVote(reading),
    Updates: update.length > 0 && updates(update),
  }
  return Object.fromEntries(Object.entries(made).filter(([, table]) => table !== false))
}

/** Updates of all runs but the long ones. */
const end = 300

function tuning(runs) {
  const at = (run) => run.accuracy.at(-1).all
  return markdownTable(
    ['reward, lr, beta', 'seeds', 'sampled', 'greedy', 'agreement', 'KL'],
    grouped(runs).map(([name, some]) => [
      name.replace(/ lr (\S+) beta (\S+)/, ', $1, $2'),
      String(some.length),
      percent(some.map((run) => at(run)[sampled])),
      percent(some.map((run) => at(run)[greedy])),
      percent(some.map((run) => at(run)[agreement])),
      plain(
        some.map((run) => last(run, 'kl')),
        3,
      ),
    ]),
  )
}

function conditions(runs) {
  return markdownTable(
    ['condition', 'seeds', 'sampled', 'greedy', 'voted', 'agreement', 'entropy', 'KL'],
    grouped(runs).map(([name, some]) => [
      name,
      String(some.length),
      ...[sampled, greedy, voted, agreement].map((measure) =>
        percent(some.map((run) => accuracyAt(run)[measure])),
      ),
      plain(
        some.map((run) => curveAt(run, 'entropy', end)),
        2,
      ),
      plain(
        some.map((run) => curveAt(run, 'kl', end)),
        3,
      ),
    ]),
  )
}

/** One step on the answers to an image beside a step on each, by the images seen and the steps taken. */
function updates(runs) {
  const rows = grouped(runs).flatMap(([name, some]) =>
    some[0].settings.measured.map((images) => {
      const at = (measure) => percent(some.map((run) => accuracyAt(run, images)[measure]))
      const steps = images * (name === 'sequential' ? 5 : 1)
      return [
        `${name}, ${images} images`,
        String(steps),
        String(some.length),
        ...[sampled, greedy, agreement].map(at),
      ]
    }),
  )
  return markdownTable(['update', 'steps', 'seeds', 'sampled', 'greedy', 'agreement'], rows)
}

/** Differences between runs with the same seed. */
function differences(runs) {
  const byName = new Map(grouped(runs))
  const pairs = [
    ['continuous', 'base'],
    ['discrete', 'base'],
    ['random', 'base'],
    ['oracle', 'base'],
    ['oracle', 'continuous'],
    ['discrete', 'continuous'],
    ['discrete-equal-kl', 'continuous'],
    ['confident', 'continuous'],
    ['ema', 'continuous'],
    ['adaptive-kl', 'continuous'],
    ['proposer-trained', 'continuous'],
    ['proposer-hard', 'continuous'],
  ].filter((pair) => pair.every((name) => byName.has(name)))
  return markdownTable(
    ['difference', 'sampled', 'greedy', 'voted', 'agreement', 'KL'],
    pairs.map(([one, other]) => {
      const both = byName.get(one).flatMap((run) => {
        const partner = byName.get(other).find(({ seed }) => seed === run.seed)
        return partner === undefined ? [] : [[run, partner]]
      })
      const kl = both.map(([a, b]) => (curveAt(a, 'kl', end) ?? 0) - (curveAt(b, 'kl', end) ?? 0))
      return [
        `${one} - ${other}`,
        ...[sampled, greedy, voted, agreement].map((measure) =>
          percent(both.map(([a, b]) => accuracyAt(a)[measure] - accuracyAt(b)[measure])),
        ),
        plain(kl, 3),
      ]
    }),
  )
}

/** The table shows how far the published rule drives beta, and what it does to the divergence. */
function adaptiveKl(runs) {
  const some = runs.filter(({ settings }) => settings.control === 'adaptive')
  const steps = some[0].curve.step
  return markdownTable(
    ['updates', 'least beta', 'largest beta', 'KL', 'entropy'],
    steps.map((step) => {
      const betas = some.map((run) => curveAt(run, 'beta', step))
      return [
        String(step),
        Math.min(...betas).toExponential(0),
        Math.max(...betas).toExponential(0),
        plain(
          some.map((run) => curveAt(run, 'kl', step)),
          3,
        ),
        plain(
          some.map((run) => curveAt(run, 'entropy', step)),
          2,
        ),
      ]
    }),
  )
}

function onTheWay(runs) {
  const compared = grouped(runs).filter(([, some]) => some.some((run) => run.settings.measured.length > 1))
  if (compared.length === 0) return false
  return markdownTable(
    ['condition, updates', 'seeds', 'sampled', 'greedy', 'agreement', 'KL', 'answer share'],
    compared.flatMap(([name, some]) =>
      [...new Set(some.flatMap((run) => run.settings.measured))]
        .sort((a, b) => a - b)
        .map((step) => {
          const measured = some.filter((run) => run.settings.measured.includes(step))
          const curve = (of, digits) =>
            plain(
              measured.map((run) => curveAt(run, of, step)),
              digits,
            )
          return [
            `${name}, ${step}`,
            String(measured.length),
            ...[sampled, greedy, agreement].map((measure) =>
              percent(measured.map((run) => accuracyAt(run, step)[measure])),
            ),
            curve('kl', 3),
            curve('share', 2),
          ]
        }),
    ),
  )
}

function kinds(runs) {
  const shown = grouped(runs).filter(([name]) => ['base', 'continuous', 'discrete', 'oracle'].includes(name))
  return markdownTable(
    ['kind', ...shown.flatMap(([name]) => [`${name}: sampled`, 'greedy'])],
    questionKinds.map((kind, k) => [
      kind,
      ...shown.flatMap(([, some]) =>
        [1, 0].map((measure) => percent(some.map((run) => evaluation(run).kinds[k][measure]))),
      ),
    ]),
  )
}

/** Greedy answers of the start, its votes, and the greedy answers that came of it. */
function towardsTheVote(runs) {
  const [[, base], ...learned] = grouped(runs)
  const at = (some, k, measure) => percent(some.map((run) => evaluation(run).kinds[k][measure]))
  return markdownTable(
    ['kind', 'base: greedy', 'base: voted', ...learned.map(([name]) => `${name}: greedy`)],
    questionKinds.map((kind, k) => [
      kind,
      at(base, k, greedy),
      at(base, k, voted),
      ...learned.map(([, some]) => at(some, k, greedy)),
    ]),
  )
}

/** Share of the most frequent majority by kind, in the first and the last 50 of `end` updates. */
function mostFrequent(runs) {
  const shown = grouped(runs).filter(([name]) => ['continuous', 'discrete', 'oracle'].includes(name))
  return markdownTable(
    ['kind', 'first', ...shown.map(([name]) => name)],
    questionKinds.map((kind) => [
      kind,
      percent(shown[0][1].map((run) => run.modes[0][kind])),
      ...shown.map(([, some]) => percent(some.map((run) => run.modes.at(-1)[kind]))),
    ]),
  )
}

/** Questions of the first 50 updates. */
function splits(runs) {
  const some = new Map(grouped(runs))
  const compared = ['continuous', 'discrete', 'oracle'].filter((name) => some.has(name))
  const total = (name, split, part) =>
    some.get(name).reduce((sum, run) => sum + (run.splits[split]?.[part] ?? 0), 0)
  const names = [
    ...new Set(compared.flatMap((name) => some.get(name).flatMap((run) => Object.keys(run.splits)))),
  ]
  const first = compared[0]
  const all = names.reduce((sum, split) => sum + total(first, split, 0), 0)
  const push = (name) => names.reduce((sum, split) => sum + total(name, split, 2), 0)
  const share = (value) => (100 * value).toFixed(1)
  const rows = names
    .sort((a, b) => total(first, b, 0) - total(first, a, 0))
    .map((split) => [
      split,
      share(total(first, split, 0) / all),
      share(total(first, split, 1) / total(first, split, 0)),
      ...compared.map((name) => share(total(name, split, 2) / push(name))),
    ])
  const answers = (name) => 5 * names.reduce((sum, split) => sum + total(name, split, 0), 0)
  return markdownTable(
    ['split', 'questions', 'majority right', ...compared.map((name) => `${name}: push`)],
    [...rows, ['mean of all', '', '', ...compared.map((name) => (push(name) / answers(name)).toFixed(2))]],
  )
}

function signs(runs) {
  return markdownTable(
    [
      'condition',
      'updates',
      'answer share',
      'start',
      'KL',
      'proposer KL',
      'question log p, first',
      'last',
      'greedy',
    ],
    grouped(runs)
      .filter(([, some]) => some[0].settings.updates > 0)
      .map(([name, some]) => [
        name,
        String(some[0].settings.updates),
        plain(
          some.map((run) => last(run, 'share')),
          2,
        ),
        plain(
          some.map((run) => last(run, 'startShare')),
          2,
        ),
        plain(
          some.map((run) => last(run, 'kl')),
          3,
        ),
        plain(
          some.map((run) => last(run, 'proposerKl')),
          3,
        ),
        plain(
          some.map((run) => run.curve.questions[0]),
          2,
        ),
        plain(
          some.map((run) => last(run, 'questions')),
          2,
        ),
        percent(some.map((run) => run.accuracy.at(-1).all[greedy])),
      ]),
  )
}

/** Runs that raised each alarm, and when first. */
function alarms(runs) {
  const names = ['entropy', 'reward-variance', 'constant-answers', 'kl', 'unlikely-questions']
  return markdownTable(
    ['condition', 'updates', ...names, 'single updates with KL above 0.1'],
    grouped(runs)
      .filter(([, some]) => some[0].settings.updates > 0)
      .map(([name, some]) => [
        name,
        String(some[0].settings.updates),
        ...names.map((alarm) => {
          const first = some.flatMap((run) => run.alarms[alarm]?.first ?? []).sort((a, b) => a - b)
          return first.length === 0 ? '' : `${first.length} of ${some.length}, from ${first[0]}`
        }),
        plain(
          some.map((run) => run.largeKl),
          0,
        ),
      ]),
  )
}

/** The table shows how the signs rank runs that had no labels, against how greedy accuracy does. */
function rankings(runs) {
  const some = runs.filter(
    ({ settings: { reward, control } }) =>
      ['continuous', 'discrete', 'confident'].includes(reward) && control === 'fixed',
  )
  const signs = {
    KL: (run) => curveAt(run, 'kl', end),
    'answer share, rise': (run) => curveAt(run, 'share', end) - curveAt(run, 'startShare', end),
    'entropy of answers': (run) => curveAt(run, 'entropy', end),
    'agreement on questions of its own': (run) => curveAt(run, 'agreement', end),
    'agreement on test questions': (run) => accuracyAt(run)[agreement],
  }
  return markdownTable(
    ['sign', 'runs', 'rank correlation with greedy accuracy'],
    Object.entries(signs).map(([name, sign]) => [
      name,
      String(some.length),
      rankCorrelation(
        some.map(sign),
        some.map((run) => accuracyAt(run)[greedy]),
      ).toFixed(2),
    ]),
  )
}

/** Alarms by the mean divergence of 50 updates, in runs that lost five points of greedy accuracy and in others. */
function thresholds(runs) {
  const [base] = runs.filter(({ settings }) => settings.updates === 0)
  const trained = runs.filter(({ settings }) => settings.updates > 0)
  const isBad = (run) => accuracyAt(base)[greedy] - accuracyAt(run)[greedy] >= 0.05
  const alarmed = (run, least) =>
    run.curve.step.find((step, i) => step <= end && (run.curve.kl[i] ?? 0) > least) !== undefined
  const count = (some, least) => `${some.filter((run) => alarmed(run, least)).length} of ${some.length}`
  return markdownTable(
    ['KL above', 'bad runs', 'other runs'],
    [0.06, 0.07, 0.08, 0.085, 0.09, 0.1].map((least) => [
      String(least),
      count(trained.filter(isBad), least),
      count(
        trained.filter((run) => !isBad(run)),
        least,
      ),
    ]),
  )
}

/** Shares of what was asked in the last 50 updates. */
function questions(runs) {
  const mixes = grouped(runs)
    .filter(([name]) => ['continuous', 'proposer-trained', 'proposer-hard'].includes(name))
    .map(([name, some]) => [name, some.map((run) => run.asked.at(-1))])
  return markdownTable(
    ['question', ...mixes.map(([name]) => name)],
    [...questionKinds, 'unanswerable', 'other'].map((kind) => [
      kind,
      ...mixes.map(([, some]) => percent(some.map((mix) => mix[kind] ?? 0))),
    ]),
  )
}

/** Runs of each condition, in the order of `conditionNames`. */
function grouped(runs) {
  return conditionNames
    .map((name) => [name, runs.filter(({ condition }) => condition === name)])
    .filter(([, some]) => some.length > 0)
}

function evaluation(run, step = end) {
  return run.settings.updates === 0 ? run.accuracy[0] : run.accuracy.find((each) => each.step === step)
}

function accuracyAt(run, step = end) {
  return evaluation(run, step)?.all
}

/** Values of the window that ends there. */
function curveAt(run, name, step) {
  const place = run.curve.step?.indexOf(step) ?? -1
  return place < 0 ? null : run.curve[name][place]
}

function last(run, name) {
  return run.curve[name]?.at(-1) ?? null
}
