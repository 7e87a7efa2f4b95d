/** The normalisers by name: a further one is a file and a line here. */
import type { Answer } from '../answer'
import { normalizeCanonical } from './normalize-canonical'
import { normalizeReleased } from './normalize-released'

export const normalizers = {
  canonical: (answer: Answer) => normalizeCanonical(answer),
  released: normalizeReleased,
} satisfies Record<string, (answer: Answer) => Answer>

export type NormalizerName = keyof typeof normalizers

/** All names of `normalizers`. */
export const normalizerNames = Object.keys(normalizers) as NormalizerName[]
