/**
 * `report.html`: what a run did, on one page that can be opened anywhere. Made from `run.json` and the log of the run,
 * which is read as a stream, twice: for the numbers, then for the moments that the gallery shows. A run that is still
 * going may be read too.
 */
import { basename, dirname, join, resolve } from 'node:path'
import { checkInteger, checkNames, checkText } from '@evolmm/internal'
import { makeFolder, replaceFile, unwritable } from '@evolmm/internal/node'
import { logFile, readLog, readRunFile, type Gallery, type RecordKind, type StepRecord } from '@evolmm/runs'
import { EvolmmError } from './errors'
import { chooseMoments, type MomentPlan } from './choose-moments'
import { collectLog, drawableProbe, type PicturePlace } from './collect-log'
import type { Moments, ShownMoment } from './gallery'
import { renderReport } from './page'
import { pictureUri } from './picture-uri'

export interface WriteReportOptions<R extends StepRecord> {
  /** The folder of the run. */
  folder: string
  /** What the records of the run are. */
  kind: RecordKind<R>
  /** The file to write; an old one is replaced. @default `report.html` in the folder */
  output?: string
  /** Iterations in the gallery, from the first to the last; some that show more come on top. @default 12 */
  images?: number
}

/**
 * Writes the page, whole or not at all, and returns its path. Throws `RUN_NOT_FOUND` or `INVALID_RUN` for the folder,
 * what `readLog` throws for the log, and `UNWRITABLE_FILE`.
 */
export async function writeReport<R extends StepRecord>(options: WriteReportOptions<R>): Promise<string> {
  checkNames('writeReport', options, { folder: true, kind: true, output: true, images: true })
  checkText('folder', options.folder)
  const { folder, kind } = options
  const count = checkInteger('images', options.images ?? 12, { min: 0, max: 100 })
  const file = resolve(options.output ?? join(folder, 'report.html'))
  const run = await readRun(folder)
  const { metrics, page = {} } = kind
  const log = await collectLog(records(folder, kind), kind)
  const moments = await readMoments(folder, kind, chooseMoments(log, count, page.gallery ?? {}))
  const text = renderReport({
    run: { ...run, probe: run.probe === null ? null : drawableProbe(run.probe) },
    log,
    metrics,
    page,
    moments,
    thumbnails: await thumbnailsOf(moments),
    logName: basename(logFile(folder, kind)),
  })
  await makeFolder(dirname(file)).catch(unwritable(file))
  await replaceFile(file, text)
  return file
}

async function readRun(folder: string) {
  const run = await readRunFile(folder)
  if (run !== undefined) return run
  // A checkpoint of the run, or a file of it.
  const above = await readRunFile(join(folder, '..')).catch(() => undefined)
  const got =
    above === undefined
      ? 'none with a run.json; pass a folder that evolmm train wrote'
      : `something in one; pass ${join(folder, '..')}`
  throw new EvolmmError('RUN_NOT_FOUND', `${folder}: must be the folder of a run, got ${got}`, {
    details: { folder },
  })
}

/** None when the run has not written any yet. */
async function* records<R extends StepRecord>(folder: string, kind: RecordKind<R>) {
  try {
    yield* readLog(folder, kind)
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw error
  }
}

async function readMoments<R extends StepRecord>(
  folder: string,
  kind: RecordKind<R>,
  plan: MomentPlan,
): Promise<Moments> {
  const found = await findMoments(folder, kind, [
    ...plan.latest,
    ...plan.recurring.flat(),
    ...plan.spread,
    ...plan.apart,
  ])
  const pick = (all: readonly PicturePlace[]) =>
    all.map(({ step, index }) => found.get(`${step} ${index}`)).filter((moment) => moment !== undefined)
  return {
    // A run that goes back to a checkpoint meanwhile leaves some of it unfound.
    latest: pick(plan.latest),
    recurring: plan.recurring.map(pick).filter((times) => times.length > 0),
    spread: pick(plan.spread),
    apart: pick(plan.apart),
  }
}

async function findMoments<R extends StepRecord>(
  folder: string,
  kind: RecordKind<R>,
  places: readonly PicturePlace[],
): Promise<Map<string, ShownMoment>> {
  const found = new Map<string, ShownMoment>()
  const gallery: Gallery<R> | undefined = kind.page?.gallery
  if (gallery === undefined || places.length === 0) return found
  const wanted = new Map<number, number[]>()
  for (const { step, index } of places) wanted.set(step, [...(wanted.get(step) ?? []), index])
  const last = Math.max(...wanted.keys())
  for await (const record of records(folder, kind)) {
    const { step } = record
    for (const index of wanted.get(step) ?? []) {
      const moment = gallery.moment(record, index)
      if (moment !== undefined) found.set(`${step} ${index}`, { ...moment, step })
    }
    if (step >= last) break
  }
  return found
}

async function thumbnailsOf({ latest, recurring, spread, apart }: Moments): Promise<Map<string, string>> {
  const thumbnails = new Map<string, string>()
  const shown = [...latest, ...recurring.flat(), ...spread, ...apart]
  for (const path of new Set(shown.map((moment) => moment.path))) {
    const uri = path === null ? null : await pictureUri(path)
    if (path !== null && uri !== null) thumbnails.set(path, uri)
  }
  return thumbnails
}
