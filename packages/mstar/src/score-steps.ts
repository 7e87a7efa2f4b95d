/** Scores of steps from a function of one's own, in place of a reward model: other models, rules, or what is known of a world. */
import { checkList, checkNumber } from '@evolmm/internal'
import { EvolmmError } from './errors'
import type { NumberedQuestion } from './generate'
import type { Rollout } from './rollout'
import { splitSteps, type StepRule } from './split-steps'

/** A function that returns a list for each answer, with a score for each of its steps; the higher the better. */
export type StepScorer = (about: {
  question: NumberedQuestion
  /** The distinct answers, each with the texts of its steps. */
  answers: readonly { text: string; steps: readonly string[] }[]
}) => readonly (readonly number[])[] | Promise<readonly (readonly number[])[]>

/** The same answers with their scores. Throws `INVALID_OPTION` for a list that lacks any, and for what is no number. */
export async function scoreSteps(
  scorer: StepScorer,
  { question, rollout, rule }: { question: NumberedQuestion; rollout: Rollout; rule: StepRule },
): Promise<Rollout> {
  const answers = rollout.answers.map(({ text }) => ({ text, steps: stepTexts(text, rule) }))
  const scores: unknown = await scorer({ question, answers })
  checkCount('scoreSteps', scores, answers.length)
  return {
    ...rollout,
    answers: rollout.answers.map((answer, a) => {
      const name = `scoreSteps[${a}]`
      const own: unknown = (scores as readonly unknown[])[a]
      checkCount(name, own, answers[a].steps.length)
      const steps = (own as readonly unknown[]).map((score, s) => checkNumber(`${name}[${s}]`, score))
      return { ...answer, steps }
    }),
  }
}

function stepTexts(text: string, rule: StepRule): string[] {
  const ends = splitSteps(text, rule)
  return ends.map((end, i) => text.slice(i === 0 ? 0 : ends[i - 1], end).trim())
}

function checkCount(name: string, value: unknown, count: number): void {
  checkList(name, value)
  const { length } = value as readonly unknown[]
  if (length !== count)
    throw new EvolmmError(
      'INVALID_OPTION',
      `${name}: must be a list of ${count}, got ${length}; return a list for each answer, and a number for each of its steps`,
      { details: { option: name } },
    )
}
