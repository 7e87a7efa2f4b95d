/** Questions of a run with what was kept of their answers and what was not, and the scores along their texts. */
import { basename } from 'node:path'
import type { Gallery, GradedAnswers, Moment } from '@evolmm/runs'
import { answerScore } from './answer-score'
import type { ExampleAnswer, ExampleAnswers, ExampleRecord, MstarRecord } from './record'

export const gallery: Gallery<MstarRecord> = {
  title: 'What was kept, and what was not',
  lead: () =>
    'Some questions of each cycle, at even distances and not picked by hand, with the answers that were drawn most often. Below each step of an answer is what the reward model says of it, where there is one: a number and a bar from 0 to 1. The score of an answer is the least of its steps.',
  latest: { title: 'The latest cycles', lead: 'What the policy writes now, and learns of that.' },
  again: {
    title: 'The same question, again',
    lead: 'What was answered when a question came back in a later cycle.',
  },
  spread: { title: 'From the first cycle to the last', lead: 'One question each.' },
  apart: {
    title: 'Questions of which nothing was kept',
    lead: 'They teach nothing yet: no answer is right, or none that is right was chosen.',
  },
  pictures: ({ examples }) =>
    (examples ?? []).map(({ question, isFurther, kept }) => ({
      key: `${isFurther ? 'further ' : ''}${question}`,
      isApart: kept.distinct === 0,
    })),
  moment: ({ examples, cycle, temperature }, index) => {
    const example = examples?.at(index)
    return example && { ...momentOf(example), when: `cycle ${cycle}, temperature ${temperature}` }
  },
}

function momentOf(example: ExampleRecord): Moment {
  const { question, isFurther, image, text, answer, isVoted, kept, left, wrong } = example
  const number = `question ${question}${isFurther ? ' without an answer' : ''}`
  return {
    path: image,
    name: image === null ? number : `${number}, ${basename(image)}`,
    question: text,
    expected:
      answer === null
        ? 'Nobody knows the right answer.'
        : `${isVoted ? 'Taken for right, by vote' : 'Right'}: ${answer}`,
    apart: kept.distinct > 0 ? null : reasonOf(left),
    graded: [
      group('Kept', '✓', 'first', kept),
      group('Right, not kept', '○', 'probe', left),
      group('Wrong', '✗', 'second', wrong),
    ].filter(({ distinct }) => distinct > 0),
  }
}

function reasonOf({ distinct }: ExampleAnswers): string {
  return distinct === 0
    ? 'Nothing was kept: no answer is right.'
    : 'Nothing was kept: no right answer has scores that are high enough.'
}

function group(
  title: string,
  mark: string,
  tone: GradedAnswers['tone'],
  { drawn, distinct, answers }: ExampleAnswers,
): GradedAnswers {
  return {
    ...{ title, mark, tone, drawn, distinct },
    answers: answers.map((answer) => ({
      title: described(answer),
      steps: answer.steps,
      leftOut: answer.leftOut,
    })),
  }
}

function described({ reading, count, steps, leftOut }: ExampleAnswer): string {
  const scores = steps.flatMap(({ score }) => score ?? [])
  const least = answerScore(scores)
  return [
    reading === null ? 'cannot be read' : `says ${reading}`,
    count === 1 ? 'drawn once' : `drawn ${count} times`,
    ...(least === null ? [] : [`score ${leftOut > 0 ? 'at most ' : ''}${least.toFixed(2)}`]),
  ].join(', ')
}
