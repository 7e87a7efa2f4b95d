/**
 * An answer share says how often the most frequent answer to a question text is given, whatever the image: a sign of
 * collapse that needs no labels. Agreement between the answers of one group is none, since a model that says one
 * thing to everything agrees with itself.
 */
import { checkList, checkObject } from '@evolmm/internal'

export interface AskedQuestion {
  text: string
  /** The answer that won; `null` if none did. */
  majority: string | null
}

/** Plain data, to be compared with that of an earlier window. */
export interface AnswerShares {
  /** One share for each text that was asked at least five times. */
  shares: readonly TextShare[]
  /** The mean share, weighted by how often each text was asked; `null` if none was asked often enough. */
  mean: number | null
  /** Questions that it is the mean of. */
  count: number
}

export interface TextShare {
  text: string
  /** Times that the text was asked. */
  count: number
  /** Share of its most frequent answer. */
  share: number
}

/** Texts that were asked less often say nothing about the answers to them. */
const enough = 5
/**
 * The share of one text, or the mean of all, has risen if it did by this much, and by so many standard errors. One text
 * alone can only show it where it is asked some thirty times in a window.
 */
const leastRise = 0.2
const standardErrors = 4

/** What a window of questions says. */
export function answerShares(questions: readonly AskedQuestion[]): AnswerShares {
  checkList('questions', questions)
  for (const [i, question] of questions.entries()) checkObject(`questions[${i}]`, question)
  const byText = new Map<string, Map<string | null, number>>()
  for (const { text, majority } of questions) {
    const counts = byText.get(text) ?? new Map<string | null, number>()
    counts.set(majority, (counts.get(majority) ?? 0) + 1)
    byText.set(text, counts)
  }
  const shares: TextShare[] = []
  let [total, top] = [0, 0]
  for (const [text, counts] of byText) {
    const count = [...counts.values()].reduce((sum, each) => sum + each, 0)
    if (count < enough) continue
    const most = Math.max(...counts.values())
    shares.push({ text, count, share: most / count })
    total += count
    top += most
  }
  return { shares, mean: total === 0 ? null : top / total, count: total }
}

/**
 * The shares of a window have risen if they are above those of an earlier one by more than chance, over all texts or
 * for one of them.
 */
export function sharesHaveRisen(now: AnswerShares, start: AnswerShares): boolean {
  checkObject('now', now)
  checkObject('start', start)
  checkList('now.shares', now.shares)
  checkList('start.shares', start.shares)
  const ofAll = ({ mean, count }: AnswerShares) => ({ share: mean ?? 0, count })
  if (now.mean !== null && start.mean !== null && risen(ofAll(now), ofAll(start))) return true
  return now.shares.some((share) => {
    const before = start.shares.find(({ text }) => text === share.text)
    return before !== undefined && risen(share, before)
  })
}

type Share = Pick<TextShare, 'share' | 'count'>

function risen(now: Share, start: Share): boolean {
  const rise = now.share - start.share
  const both = (now.share * now.count + start.share * start.count) / (now.count + start.count)
  const error = Math.sqrt(both * (1 - both) * (1 / now.count + 1 / start.count))
  return rise >= leastRise && rise > standardErrors * error
}
