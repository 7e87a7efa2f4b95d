import { EvolmmError } from './errors'

/**
 * An answer is text, or invalid: missing, empty or unparsable output.
 *
 * Invalid is a value of its own, never the text `unknown`: it counts towards the N samples of a group, cannot win a
 * vote, and stays `null` in JSON logs.
 */
export const INVALID = null

export type Answer = string | typeof INVALID

/** An empty text is no answer. Throws `INVALID_ANSWER`, naming `who`, for what is neither text nor `INVALID`. */
export function nonEmpty(answer: unknown, who = 'answer'): Answer {
  if (answer === '' || answer === INVALID) return INVALID
  if (typeof answer === 'string') return answer
  throw new EvolmmError(
    'INVALID_ANSWER',
    `${who}: must be a text or null, got ${typeof answer}; return null for what is no answer`,
  )
}
