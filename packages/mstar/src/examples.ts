/** Some questions of a cycle as its record shows them, so that people see what was kept and what was not. */
import { resolve } from 'node:path'
import type { NumberedQuestion } from './generate'
import { labelled, type AnsweredQuestions, type KeptPlace } from './kept-places'
import { withOptions } from './question-prompt'
import type { ExampleAnswer, ExampleAnswers, ExampleRecord } from './record'
import type { RolledAnswer } from './rollout'
import { splitSteps, type StepRule } from './split-steps'

/** Bounds of what a record holds, whatever a model writes. */
const most = { answers: 2, steps: 12, letters: 240, question: 600 } as const

/** Questions of a cycle that its record shows, those of the file `unlabelled` apart. */
const questionsOf = { data: 3, unlabelled: 1 } as const

/** Some questions of each file, at even distances and not picked by what came of them. */
export async function examplesOf(
  sources: readonly AnsweredQuestions[],
  kept: readonly KeptPlace[],
  rule: StepRule,
): Promise<ExampleRecord[]> {
  const examples: ExampleRecord[] = []
  for (const [s, source] of sources.entries())
    for (const place of evenPlaces(source.rollouts.length, questionsOf[s === 0 ? 'data' : 'unlabelled'])) {
      const { question: number, answers } = await labelled(source, place)
      const chosen = kept.filter((one) => one.source === s && one.place === place)
      examples.push({
        ...asked(await source.questions.at(number), { answers, isVoted: source.isVoted }),
        isFurther: s > 0,
        ...grouped(answers, new Set(chosen.map(({ answer }) => answer)), rule),
      })
    }
  return examples
}

function evenPlaces(length: number, count: number): number[] {
  const some = Math.min(length, count)
  return Array.from({ length: some }, (_, i) => Math.floor(((i + 0.5) * length) / some))
}

function asked(
  question: NumberedQuestion,
  { answers, isVoted }: { answers: readonly RolledAnswer[]; isVoted: boolean },
) {
  const [image] = question.images
  const right = isVoted ? answers.find((answer) => answer.right)?.reading : question.answers?.join(' or ')
  return {
    ...{ question: question.number, isVoted },
    image: typeof image === 'string' ? resolve(image) : null,
    text: cut(withOptions(question), most.question),
    answer: right == null ? null : cut(right, most.letters),
  }
}

function grouped(answers: readonly RolledAnswer[], kept: ReadonlySet<number>, rule: StepRule) {
  const some = (is: (answer: RolledAnswer, place: number) => boolean) => group(answers.filter(is), rule)
  return {
    kept: some((_, place) => kept.has(place)),
    left: some((answer, place) => answer.right === true && !kept.has(place)),
    wrong: some((answer) => answer.right !== true),
  }
}

function group(answers: readonly RolledAnswer[], rule: StepRule): ExampleAnswers {
  const often = [...answers].sort((a, b) => b.count - a.count)
  return {
    drawn: answers.reduce((sum, { count }) => sum + count, 0),
    distinct: answers.length,
    answers: often.slice(0, most.answers).map((answer) => shown(answer, rule)),
  }
}

/** The last step has the final answer: where there are too many, those before it are left out. */
function shown({ text, reading, count, steps: scores }: RolledAnswer, rule: StepRule): ExampleAnswer {
  const ends = splitSteps(text, rule)
  const leftOut = Math.max(0, ends.length - most.steps)
  const steps = ends.map((end, s) => ({
    text: cut(text.slice(s === 0 ? 0 : ends[s - 1], end).trim(), most.letters),
    score: scores?.[s] ?? null,
  }))
  steps.splice(most.steps - 1, leftOut)
  return { reading: reading === null ? null : cut(reading, most.letters), count, steps, leftOut }
}

function cut(text: string, letters: number): string {
  if (text.length <= letters) return text
  // By code points: half a character is none.
  return `${Array.from(text.slice(0, 2 * letters))
    .slice(0, letters)
    .join('')}…`
}
