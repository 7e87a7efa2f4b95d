/** A solver sample is what rewards look at, made from the solver's text. */
import { checkNames } from '@evolmm/internal'
import { nonEmpty, type Answer } from '../answer'
import { normalizeCanonical } from '../normalize/normalize-canonical'
import { parseAnswer, type ParseAnswerOptions } from '../parse/parse-answer'
import { wordsBeforeAnswer } from '../parse/words-before-answer'
import type { SolverSample } from './reward'

export interface SolverSampleOptions extends ParseAnswerOptions {
  /** @default normalizeCanonical */
  normalize?: (answer: Answer) => Answer
  /** Key of the question that was answered. @default none */
  group?: string | number
}

/** Parse and normalise one output. */
export function solverSample(output: string, options: SolverSampleOptions = {}): SolverSample {
  checkNames('solverSample', options, { untagged: true, normalize: true, group: true })
  const { untagged, normalize = normalizeCanonical, group } = options
  const { answer, wellFormed } = parseAnswer(output, { untagged })
  const normalized = nonEmpty(normalize(answer), 'normalize: what it returns')
  const sample = { answer: normalized, words: wordsBeforeAnswer(output), wellFormed }
  return group === undefined ? sample : { ...sample, group }
}
