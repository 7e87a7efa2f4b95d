/**
 * Rules that grade a prediction against answers that are known to be right. They need no model and no judge, so that a
 * benchmark, a probe and a reward can all use them.
 */
import { strip } from '@evolmm/internal'
import { anls } from './anls'
import { inferOption } from './infer-option'
import { mathEqual } from './math-equal'
import { lettered } from './option-letters'
import { relaxedMatch } from './relaxed-match'

export interface Scorer {
  /** What the prediction says: equal readings are equal answers. `null` means that the rule cannot read it. */
  read: (prediction: string, options?: readonly string[]) => string | null
  /**
   * The worth of the prediction, from 0 to 1, against the best of the references; `null` means that the rule cannot read
   * the prediction. `options` are the texts that the question lets one choose from.
   */
  score: (prediction: string, references: readonly string[], options?: readonly string[]) => number | null
}

/**
 * - `exact` asks for the same text but for case and spaces around it;
 * - `relaxed` is ChartQA's rule: numbers within 5 %, texts but for case;
 * - `anls` is InfographicVQA's rule: similarity of spelling;
 * - `math` is MathVision's rule: equal values;
 * - `choice` reads an option by its letter or else by its text, and references name one either way.
 */
export type ScorerName = 'exact' | 'relaxed' | 'anls' | 'math' | 'choice'

export const scorers: Readonly<Record<ScorerName, Scorer>> = {
  exact: matching((text, reference) => text.toLowerCase() === reference.toLowerCase()),
  relaxed: matching(relaxedMatch),
  anls: {
    read: spelling,
    score: (prediction, references) =>
      spelling(prediction) === null ? null : anls(strip(prediction), references),
  },
  math: matching(mathEqual),
  choice: {
    read: chosenLetter,
    score: (prediction, references, options = []) => {
      const letter = chosenLetter(prediction, options)
      if (letter === null) return null
      const text = lettered(options).get(letter)
      return references.some((reference) => reference === letter || reference === text) ? 1 : 0
    },
  },
}

/** All names of `scorers`. */
export const scorerNames = Object.keys(scorers) as ScorerName[]

/** A rule that is kept or not by the prediction and one reference. */
function matching(equal: (text: string, reference: string) => boolean): Scorer {
  return {
    read: spelling,
    score: (prediction, references) => {
      if (spelling(prediction) === null) return null
      return references.some((reference) => equal(strip(prediction), reference)) ? 1 : 0
    },
  }
}

function spelling(prediction: string): string | null {
  return strip(prediction).toLowerCase() || null
}

function chosenLetter(prediction: string, options: readonly string[] = []): string | null {
  const letters = lettered(options)
  const letter = strip(prediction).toUpperCase()
  return letters.has(letter) ? letter : (inferOption(strip(prediction), letters) ?? null)
}
