/** What the report of a method's runs shows besides the curves of its numbers: data alone, the markup is the report's. */
import type { RunFile } from '../run-file'
import type { Change } from './change'
import type { Tone } from './metric'

export interface PageContent<R> {
  /** Sections of curves in order; those that only rows of the metric table name follow. */
  panels?: readonly Heading[]
  /** Counts of an iteration by name, which are added up over the run. */
  sums?(record: R): Sums
  /**
   * What a run of this method does, for somebody who sees one for the first time, and what became of it. Rows of the metric
   * table that are compared have a change, by their names, where both ends were measured.
   */
  introduction?(sums: Sums, changes: ReadonlyMap<string, Change>): string
  /** Key figures at the top of the page, after the number of iterations. */
  figures?(run: RunFile, sums: Sums): readonly (readonly [name: string, count: number])[]
  /** Wall time of an iteration in seconds, and its parts by what the page calls them. */
  times?(record: R): { total: number; parts: Readonly<Record<string, number>> }
  /** What the run was made with, besides the versions. */
  facts?(run: RunFile): readonly (readonly [name: string, value: string])[]
  /** Alarms that an iteration raised, by name. */
  alarmsOf?(record: R): readonly string[]
  /** Alarms in words, by name. */
  alarms?: ReadonlyMap<string, { title: string; note: string }>
  gallery?: Gallery<R>
  /** Searches for the best value of something, each with a curve of its own. */
  sweeps?: Sweeps<R>
}

export type Sums = Readonly<Record<string, number>>

export interface Heading {
  title: string
  lead: string
}

/** Values of something that were tried in turn, such as temperatures. */
export interface Sweeps<R> extends Heading {
  /** The name of what was tried, for the axis. */
  axis: string
  /** The search of an iteration; `null` or `undefined` for one without any. */
  of(record: R): Sweep | null | undefined
}

export interface Sweep {
  /** The time of the search, in words. */
  title: string
  /** What came of each value, in ascending order of the values. */
  points: readonly { at: number; value: number }[]
  /** The value that was chosen, one of the points. */
  chosen: number
}

/** Pictures with what was said about them, at several times of a run. */
export interface Gallery<R> {
  title: string
  lead(sums: Sums): string
  /** The headings of four parts, of which one without a heading is left out: the latest pictures of the run, */
  latest?: Heading
  /** a picture that comes again, */
  again?: Heading
  /** pictures at even distances, */
  spread?: Heading
  /** and those that are set apart. */
  apart?: Heading
  /** The pictures of an iteration in order; one comes again where the key does. */
  pictures(record: R): readonly { key: string; isApart: boolean }[]
  /** What is shown of the picture at that place, if there is one. */
  moment(record: R, index: number): Moment | undefined
}

/** A picture at one iteration. */
export interface Moment {
  /** The path of the image file; `null` for a picture that is in no file of its own. */
  path: string | null
  name: string
  /** The time besides the iteration, in words. @default the iteration alone */
  when?: string
  /** What was asked about the picture; `null` for nothing. */
  question: string | null
  /** What is known of the right answer, in words. @default nothing is said */
  expected?: string
  /** The reason why the picture is set apart; `null` for one that is not. */
  apart: string | null
  /** Answers and how many gave them; `null` stands for no valid answer. @default none */
  votes?: readonly { answer: string | null; count: number; isMajority: boolean }[]
  /** Answers by what became of them, with scores along their texts. @default none */
  graded?: readonly GradedAnswers[]
  /** Texts as they were written. @default none */
  texts?: readonly { title: string; tone: Tone; text: string }[]
}

/** Answers of which the same became, and some of them as they were written. */
export interface GradedAnswers {
  title: string
  /** The sign that tells them from others without colour: a character. */
  mark: string
  tone: Tone
  /** The number of times that one of them was drawn. */
  drawn: number
  /** Different answers, those among them that are not shown. */
  distinct: number
  answers: readonly GradedAnswer[]
}

export interface GradedAnswer {
  /** What it says in the end, and the like, in words. */
  title: string
  /** The text, a part for each step, with its score from 0 to 1; `null` where none was given. */
  steps: readonly { text: string; score: number | null }[]
  /** Steps that are left out before the last one. @default 0 */
  leftOut?: number
}
