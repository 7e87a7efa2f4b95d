/** The numbers of an evaluation probe by name, in words. Those of `probe` in `@evolmm/eval` are known best. */
import type { RunFile } from '@evolmm/runs'
import type { CollectedLog } from './collect-log'

export interface ProbeName {
  title: string
  /** What it means and what to look for. */
  note: string
  /** True if the number is from 0 to 1, so that it reads well in per cent. */
  isShare: boolean
}

type Words = readonly [title: string, note: string]

const greedy: Words = [
  'Right when answering greedily',
  'One answer without any chance in it: what the model finds most likely. Expect it to move little.',
]
const voted: Words = [
  'Right by majority',
  'Questions whose most frequent answer is right: as far as voting can lead by itself.',
]

const known: ReadonlyMap<string, Words> = new Map(
  Object.entries({
    accuracy: greedy,
    greedy,
    sampled: [
      'Right when answers are drawn',
      'Answers drawn as in training. It rises as they gather around what the model finds most likely.',
    ],
    pass: [
      'Right at least once',
      'Questions with a right one among the drawn answers: what the model can still reach. It falls as answers become alike.',
    ],
    majority: voted,
    voted,
    agreement: ['Agreement', 'How much drawn answers agree, in right ones and in wrong ones alike.'],
    blind: [
      'Right without the picture',
      'The same questions, asked blind. What is right here was never read from a picture.',
    ],
    blindGap: [
      'Gained by the picture',
      'Right with the picture less right without. It should not shrink: then the model stops looking.',
    ],
  }),
)

/** Counts, said in a sentence rather than drawn. */
const counts = new Set(['questions', 'known'])

/** Names without counts and without those of interval ends: `x` has them in `x_low` and `x_high`. */
export function probeNames({ probe }: RunFile, { probes }: CollectedLog): string[] {
  const all = new Set(
    [probe ?? {}, ...probes.map(({ values }) => values)].flatMap((values) => Object.keys(values)),
  )
  const isEnd = (name: string) => /_(low|high)$/.test(name) && all.has(name.replace(/_(low|high)$/, ''))
  return [...all].filter((name) => !isEnd(name) && !counts.has(name))
}

export function describeProbe(name: string): ProbeName {
  const entry = known.get(name)
  const words = name.replace(/[_/]+/g, ' ').trim()
  return {
    title: entry?.[0] ?? words.charAt(0).toUpperCase() + words.slice(1),
    note: entry?.[1] ?? 'Before the first iteration at 0, then whenever the probe ran.',
    isShare: entry !== undefined || /accuracy|agreement|share|rate|frac|pass|maj|correct/i.test(name),
  }
}
