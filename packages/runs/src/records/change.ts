/** A change is how a number went in a run: its mean over the first and over the last iterations, which never overlap. */
export interface Change {
  first: number
  last: number
  direction: Direction
}

/** `none` stands for a difference that is no larger than chance makes it. */
export type Direction = 'rise' | 'fall' | 'none'
