/**
 * What a benchmark is: where its rows are, how a row becomes a prompt, how an answer becomes a score, and how scores
 * become the numbers that are reported. Adding a task is writing one of these.
 */
import type { FileSource, HubDataset, ImageFile, DataRow } from '@evolmm/dataset'
import type { Judge } from './judge'

/**
 * - `compat`: as lmms-eval ships it, its mistakes included.
 * - `fixed`: the same without its mistakes.
 * - `rule-based`: never asks a judge; not comparable where a task would.
 */
export const scoringModes = ['compat', 'fixed', 'rule-based'] as const

export type ScoringMode = (typeof scoringModes)[number]

export interface TaskPrompt {
  text: string
  /** The images in the order in which they are shown, before the text. */
  images: readonly ImageFile[]
}

/** What can be stored as JSON without loss. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** What one answer is worth. Plain data: it is stored, and read back when a run is resumed. */
export interface Score {
  /**
   * Scores by the name of the metric; null counts for no mean. A row that a judge would have to decide, and did not,
   * is null: never a silent zero.
   */
  values: Readonly<Record<string, number | null>>
  /** The answer was not understood, and a rule of last resort decided. @default false */
  fallback?: boolean | undefined
  /** What was understood as the answer; null for nothing. Equal texts are equal answers. */
  parsed?: string | null | undefined
  /** What aggregation needs of the row, and what lmms-eval stores with the metric. */
  details?: Readonly<Record<string, Json | undefined>> | undefined
}

export interface ScoringContext {
  mode: ScoringMode
  /**
   * Asked by the tasks that need one (`Task.judge`). Without it, or when it refuses a text (`JUDGE_REFUSED`), `compat`
   * does what lmms-eval does and marks the row as a fallback; `fixed` leaves the row unscored. A judge that cannot be
   * reached (`JUDGE_FAILED`) ends the scoring: a run may be resumed later.
   */
  judge?: Judge | undefined
  /**
   * What an answer without an option letter counts as in the tasks where lmms-eval draws one: a letter drawn from the
   * seed and the row, or wrong. @default 'wrong' in mode `rule-based`, else 'random'
   */
  fallback?: 'random' | 'wrong' | undefined
  /** Seed of the drawn letters. @default 0 */
  seed?: number | undefined
  signal?: AbortSignal | undefined
}

/** Rows that share a property. */
export interface RowGroup {
  correct: number
  total: number
  /** The accuracy on the scale of the task's metric; null when one of the rows is unscored. */
  accuracy: number | null
}

/** A data set of the hub with lmms-eval's names of its parts, or a file. */
export type DataSource = FileSource | (HubDataset & { config: string; split: string })

export interface Task {
  /** The name that lmms-eval has for it. */
  name: string
  /** Counted up when a score changes its meaning. */
  version: number
  /** The rule that scores, where a task may have one of several. @default the task's own */
  scorer?: string | undefined
  /** What is asked for after each question, where that may be one of several. @default the task's own */
  instruction?: string | undefined
  source: DataSource
  /** Columns that are read. @default all */
  columns?: readonly string[] | undefined
  /** Settings for generating the answer. */
  generation: {
    /** The tokens that an answer may have. */
    maxNewTokens: number
    /** The temperature of sampling; 0 is greedy. @default 0 */
    temperature?: number | undefined
    /** The answer ends before the first of each, in this order. @default none */
    until?: readonly string[] | undefined
  }
  /** The answers that a judge decides outside of mode `rule-based`. @default 'never' */
  judge?: 'never' | 'unmatched' | 'always' | undefined
  prompt: (row: DataRow) => TaskPrompt
  /** The right answer, as lmms-eval stores it. */
  target: (row: DataRow) => string
  /** `answer` is the cleaned text. Never throws because of it. */
  score: (row: DataRow, answer: string, context: ScoringContext) => Score | Promise<Score>
  /** What is reported, null where there is nothing to report. */
  aggregate: (
    scores: readonly Score[],
    context?: Pick<ScoringContext, 'mode'>,
  ) => Readonly<Record<string, number | null>>
  /** The same by property of the row, e.g. `.task.FQA`. @default none */
  breakdown?: ((scores: readonly Score[]) => Record<string, Record<string, RowGroup>>) | undefined
  /** The direction of each reported number, by its name. */
  higherIsBetter: Readonly<Record<string, boolean>>
  /** Reported numbers that are plain means of the values of that name; they get a standard error. @default none */
  means?: readonly string[] | undefined
  /** lmms-eval's name of what is done to answers before they are scored, part of its metrics' names. @default 'none' */
  filter?: string | undefined
}
