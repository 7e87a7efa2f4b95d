/**
 * An answer is text, or invalid: missing, empty or unparsable output.
 *
 * Invalid is a value of its own, never the text `unknown`: it counts towards the N samples of a group, cannot win a
 * vote, and stays `null` in JSON logs.
 */
export const INVALID = null

export type Answer = string | typeof INVALID

/** An empty text is no answer. */
export function nonEmpty(answer: Answer): Answer {
  return answer === '' ? INVALID : answer
}
