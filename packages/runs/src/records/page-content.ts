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
}

export type Sums = Readonly<Record<string, number>>

export interface Heading {
  title: string
  lead: string
}

/** Pictures with what was said about them, at several times of a run. */
export interface Gallery<R> {
  title: string
  lead(sums: Sums): string
  /** Headings of the three parts: a picture that comes again, pictures at even distances, and those that are set apart. */
  again: Heading
  spread: Heading
  apart: Heading
  /** The pictures of an iteration in order; one comes again where the key does. */
  pictures(record: R): readonly { key: string; isApart: boolean }[]
  /** What is shown of the picture at that place, if there is one. */
  moment(record: R, index: number): Moment | undefined
}

/** A picture at one iteration. */
export interface Moment {
  /** The path of the image file. */
  path: string
  name: string
  /** What was asked about the picture; `null` for nothing. */
  question: string | null
  /** The reason why the picture is set apart; `null` for one that is not. */
  apart: string | null
  /** Answers and how many gave them; `null` stands for no valid answer. */
  votes: readonly { answer: string | null; count: number; isMajority: boolean }[]
  /** Texts as they were written. */
  texts: readonly { title: string; tone: Tone; text: string }[]
}
