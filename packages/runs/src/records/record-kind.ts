/** What records of a method are to everything that keeps or shows them: data alone, without the method at work. */
import type { LogCodec } from './log-codec'
import type { Metric } from './metric'
import type { PageContent } from './page-content'
import type { StepRecord } from './record'

export interface RecordKind<R extends StepRecord> {
  /** The name of the method, which `run.json` keeps. */
  name: string
  metrics: readonly Metric<R>[]
  /** The codec makes lines of a file of records, and records of lines. @default a line of JSON for each record, in `log.jsonl` */
  log?: LogCodec<R>
  /** Texts for trackers that show some, by name. */
  texts?(record: R): Readonly<Record<string, string>>
  /** The image that stands for the iteration, for trackers that show one. */
  picture?(record: R): Picture | undefined
  /** What the status line says before the numbers: alarms, for instance. */
  notices?(record: R): readonly string[]
  /** What the report shows besides curves. @default nothing */
  page?: PageContent<R>
}

export interface Picture {
  /** The path of an image file. */
  path: string
  caption: string
}
