/** A price on asking the same thing again, within a batch or after earlier questions. */
import { checkNames, checkNumber } from '@evolmm/internal'
import { INVALID } from '../answer'
import type { ProposerSample, Reward } from './reward'

export interface DuplicateQuestionPenaltyOptions {
  /** What a repeated question costs. @default 1 */
  weight?: number
  /**
   * Similarity from which two questions are the same: the share of word pairs that they have in common, from 0 to 1.
   * 1 asks for the same words in the same order.
   * @default 0.8
   */
  threshold?: number
}

/** `-weight` for a question that repeats an earlier one of the batch or of its `previousQuestions`, else 0. */
export function duplicateQuestionPenalty(
  options: DuplicateQuestionPenaltyOptions = {},
): Reward<Pick<ProposerSample, 'question' | 'previousQuestions'>> {
  checkNames('duplicateQuestionPenalty', options, { weight: true, threshold: true })
  const weight = checkNumber('weight', options.weight ?? 1, { min: 0 })
  const threshold = checkNumber('threshold', options.threshold ?? 0.8, { above: 0, max: 1 })
  return (batch) => {
    const earlier: Set<string>[] = []
    const known = new Map<string, Set<string>>()
    const pairsOf = (question: string): Set<string> => {
      const pairs = known.get(question) ?? wordPairs(question)
      known.set(question, pairs)
      return pairs
    }
    return batch.map(({ question, previousQuestions = [] }) => {
      if (question === INVALID) return 0
      const pairs = pairsOf(question)
      const repeated = [...earlier, ...previousQuestions.map(pairsOf)].some(
        (other) => similarity(pairs, other) >= threshold,
      )
      earlier.push(pairs)
      return repeated ? -weight : 0
    })
  }
}

/** Neighbouring words, with marks for both ends; without regard to case and punctuation (a minus is a sign). Order matters. */
function wordPairs(question: string): Set<string> {
  const words =
    question
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+|[^\s\p{P}]|-(?=\d)/gu) ?? []
  const marked = ['^', ...words, '$']
  return new Set(marked.slice(1).map((word, index) => `${marked[index]} ${word}`))
}

/** Jaccard index: common pairs over all pairs. */
function similarity(a: Set<string>, b: Set<string>): number {
  let common = 0
  for (const pair of a) if (b.has(pair)) common++
  return common / (a.size + b.size - common)
}
