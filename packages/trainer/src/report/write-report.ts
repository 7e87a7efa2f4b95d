/**
 * `report.html`: what a run did, on one page that can be opened anywhere. Made from `run.json` and `iter_log.jsonl`,
 * which are read as a stream, twice: for the numbers, then for the moments that the gallery shows. A run that is still
 * going may be read too.
 */
import { dirname, join, resolve } from 'node:path'
import { checkInteger, EvolmmError } from '@evolmm/internal'
import { makeFolder, replaceFile, unwritable } from '@evolmm/internal/node'
import { readLog, readRunFile } from '@evolmm/runs'
import { evolmm } from '../evolmm'
import { chooseMoments, type MomentPlan } from './choose-moments'
import { collectLog, drawableProbe, type Place } from './collect-log'
import type { Moment, Moments } from './gallery'
import { renderReport } from './page'
import { pictureUri } from './picture-uri'

export interface WriteReportOptions {
  /** The folder of the run. */
  folder: string
  /** The file to write; an old one is replaced. @default `report.html` in the folder */
  output?: string
  /** Iterations in the gallery, from the first to the last; some that show more come on top. @default 12 */
  images?: number
}

/**
 * Writes the page, whole or not at all, and returns its path. Throws `RUN_NOT_FOUND` or `INVALID_RUN` for the folder,
 * what `readLog` throws for the log, and `UNWRITABLE_FILE`.
 */
export async function writeReport(options: WriteReportOptions): Promise<string> {
  const { folder } = options
  const count = checkInteger('images', options.images ?? 12, { min: 0, max: 100 })
  const file = resolve(options.output ?? join(folder, 'report.html'))
  const run = await readRunFile(folder)
  if (run === undefined) {
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
  const log = await collectLog(records(folder))
  const moments = await readMoments(folder, chooseMoments(log, count))
  const page = renderReport({
    run: { ...run, probe: run.probe === null ? null : drawableProbe(run.probe) },
    log,
    moments,
    thumbnails: await thumbnailsOf(moments),
  })
  await makeFolder(dirname(file)).catch(unwritable(file))
  await replaceFile(file, page)
  return file
}

/** None when the run has not written any yet. */
async function* records(folder: string) {
  try {
    yield* readLog(folder, evolmm)
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw error
  }
}

async function readMoments(folder: string, plan: MomentPlan): Promise<Moments> {
  const places = [...plan.recurring.flat(), ...plan.spread, ...plan.rejected]
  const wanted = new Map<number, number[]>()
  for (const { step, index } of places) wanted.set(step, [...(wanted.get(step) ?? []), index])
  const found = new Map<string, Moment>()
  const last = Math.max(0, ...wanted.keys())
  for await (const { step, images } of last > 0 ? records(folder) : []) {
    for (const index of wanted.get(step) ?? []) {
      const image = images.at(index)
      if (image !== undefined) found.set(`${step} ${index}`, { step, image })
    }
    if (step >= last) break
  }
  const pick = (all: readonly Place[]) =>
    all.map(({ step, index }) => found.get(`${step} ${index}`)).filter((moment) => moment !== undefined)
  return {
    // A run that goes back to a checkpoint meanwhile leaves some of it unfound.
    recurring: plan.recurring.map(pick).filter((times) => times.length > 0),
    spread: pick(plan.spread),
    rejected: pick(plan.rejected),
  }
}

async function thumbnailsOf({ recurring, spread, rejected }: Moments): Promise<Map<string, string>> {
  const thumbnails = new Map<string, string>()
  const paths = new Set([...recurring.flat(), ...spread, ...rejected].map(({ image }) => image.path))
  for (const path of paths) {
    const uri = await pictureUri(path)
    if (uri !== null) thumbnails.set(path, uri)
  }
  return thumbnails
}
