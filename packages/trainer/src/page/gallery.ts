/** Pictures of an iteration with what was asked about them, how the answers fell, and how it was written. */
import { counted } from '@evolmm/internal'
import type { QuestionFault } from '@evolmm/rewards'
import type { Gallery, Moment } from '@evolmm/runs'
import { malformedFaults } from '../malformed-faults'
import type { AnswerRecord, ImageRecord, IterationRecord } from '../record/record'

export const gallery: Gallery<IterationRecord> = {
  title: 'Pictures and votes',
  lead: ({ asked, answers }) =>
    `One question to each picture, answered ${answers > 0 ? `${Math.round(answers / asked)} times` : 'several times'}. Each cell of a bar is an answer.`,
  again: {
    title: 'The same picture, again',
    lead: 'What is asked and answered when a picture comes back later in the run.',
  },
  spread: {
    title: 'From the first iteration to the last',
    lead: 'Taken at even distances, not picked by hand.',
  },
  apart: {
    title: 'Questions that were not asked',
    lead: 'They were put aside before the solver saw them; no votes were taken.',
  },
  pictures: ({ images }) =>
    images.map(({ relativePath, rejected }) => ({ key: relativePath, isApart: rejected !== null })),
  moment: ({ images }, index) => {
    const image = images.at(index)
    return image && momentOf(image)
  },
}

function momentOf(image: ImageRecord): Moment {
  const { path, relativePath, question, majority, histogram, proposerText, proposerTokens, answers } = image
  return {
    path,
    name: relativePath,
    question,
    apart: reasonOf(image),
    votes: histogram.map(({ answer, count }) => ({ answer, count, isMajority: answer === majority })),
    texts: [
      { title: ['Proposer', ...length(proposerTokens)].join(', '), tone: 'second', text: proposerText },
      ...answers.map((answer, i) => ({
        title: [`Answer ${i + 1}`, ...described(answer)].join(', '),
        tone: 'first' as const,
        text: answer.text,
      })),
    ],
  }
}

function described({ tokens, finishReason, reward }: AnswerRecord): string[] {
  return [
    ...length(tokens),
    ...(finishReason === 'length' ? ['cut off'] : []),
    ...(reward === null ? [] : [`reward ${reward.toFixed(3)}`]),
  ]
}

/** A log may lack the lengths of texts. */
function length(tokens: number | null): string[] {
  return tokens === null ? [] : [counted(tokens, 'token')]
}

const faultTexts: Readonly<Record<QuestionFault, string>> = {
  empty: 'it holds no words',
  'missing-question-tag': 'there is no question tag',
  'missing-rationale': 'there is no rationale',
  'repeated-tag': 'a tag is repeated',
  'text-outside-tags': 'text stands outside the tags',
  markup: 'it holds other markup',
  'too-long': 'it is too long',
}

/** A log may be of a version that knows others. */
const knownTexts: ReadonlyMap<string, string> = new Map(Object.entries(faultTexts))

function reasonOf({ rejected, faults, questionLogProbability: likely }: ImageRecord): string | null {
  if (rejected === null) return null
  if (rejected === 'unreadable') return 'Not asked: the picture could not be read.'
  if (rejected === 'unlikely') {
    const nats = likely === null ? '' : ` (${likely.toFixed(2).replace('-', '\u2212')} nats per token)`
    return `Not asked: the proposer of the start would hardly have asked it${nats}.`
  }
  // Other faults are no reason unless a run makes them one.
  const usual = faults.filter((fault) => malformedFaults.includes(fault))
  const found = (usual.length > 0 ? usual : faults).map((fault) => knownTexts.get(fault) ?? fault).join(', ')
  return `Not asked: malformed${found === '' ? '' : `: ${found}`}.`
}
