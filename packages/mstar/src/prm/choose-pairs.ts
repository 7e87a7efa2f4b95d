/** The answers on disk that a reward model is taught, and those that it is tested with. */
import { splitByImage } from '@evolmm/dataset'
import { balancePairs } from '../balance-pairs'
import { EvolmmError } from '../errors'
import type { JournalReader } from '../journal'
import type { Questions } from '../open-questions'
import type { Rollout } from '../rollout'
import { imageGroups, imageKey } from './image-groups'
import type { PrmSettings } from './settings'

/** A question with those of its answers that are taken. */
export interface ChosenAnswers {
  /** The place of the question among those that were answered. */
  place: number
  /** The numbers of the answers, in ascending order. */
  answers: number[]
  isHeldOut: boolean
}

export interface AnsweredNumbers {
  rollouts: JournalReader<Rollout>
  questions: Pick<Questions, 'some'>
  /** The numbers of the questions that were answered. */
  numbers: readonly number[]
}

interface Candidate {
  place: number
  answer: number
  right: boolean
  choice: boolean
}

type ChoiceSettings = Pick<PrmSettings, 'most_answers' | 'num_pairs' | 'held_out' | 'seed'>

/**
 * The first distinct answers to each question count, which are as random as any; as many of them are taken that are right as wrong,
 * and as many to choices as to free questions. Throws `NOTHING_KEPT` where a kind is missing, and `INVALID_OPTION` where all
 * would be held out.
 */
export async function choosePairs(
  answered: AnsweredNumbers,
  settings: ChoiceSettings,
): Promise<ChosenAnswers[]> {
  const { candidates, groups } = await candidatesOf(answered, settings)
  const { num_pairs: size, held_out: share, seed } = settings
  const pairs = balancePairs(candidates, { size, seed }).map((i) => candidates[i])
  if (pairs.length === 0) throw oneSided(candidates)
  const images = pairs.map(({ place }) => groups[place])
  const split = splitByImage(images, { sizes: { held: Math.round(share * pairs.length) }, seed })
  if (split.rest.length === 0) throw nothingLeft(share)
  const held = new Set(split.held)
  const chosen: ChosenAnswers[] = []
  for (const [i, { place, answer }] of pairs.entries()) {
    const last = chosen.at(-1)
    if (last?.place === place) last.answers.push(answer)
    else chosen.push({ place, answers: [answer], isHeldOut: held.has(i) })
  }
  return chosen
}

async function candidatesOf(
  { rollouts, questions, numbers }: AnsweredNumbers,
  { most_answers: most }: Pick<ChoiceSettings, 'most_answers'>,
): Promise<{ candidates: Candidate[]; groups: string[] }> {
  const candidates: Candidate[] = []
  const images: string[][] = []
  let place = 0
  // The answers are in the order of the questions.
  for await (const question of questions.some(numbers)) {
    const { answers } = await rollouts.at(place)
    images.push(question.images.map(imageKey))
    const choice = question.options.length > 0
    const judged = answers.flatMap(({ text, right }, answer) =>
      // What says nothing has no steps, and what nobody can judge no value.
      text.trim() === '' || right === null ? [] : [{ place, answer, right, choice }],
    )
    candidates.push(...judged.slice(0, most))
    place++
  }
  return { candidates, groups: imageGroups(images) }
}

function nothingLeft(share: number): EvolmmError {
  return new EvolmmError(
    'INVALID_OPTION',
    `held_out: must leave answers to learn from, got ${share}; lower it`,
    { details: { option: 'held_out' } },
  )
}

function oneSided(candidates: readonly Candidate[]): EvolmmError {
  const right = candidates.filter((candidate) => candidate.right).length
  return new EvolmmError(
    'NOTHING_KEPT',
    `answers: must be right and wrong ones to questions of each kind, got ${right} right of ${candidates.length}; raise num_questions or the temperature, or take a completer that is right more often`,
  )
}
