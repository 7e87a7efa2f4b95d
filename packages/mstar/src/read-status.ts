/** What the folder of a run holds: `evolmm mstar status`. Nothing is opened that a run which is going would miss. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkText, isObject } from '@evolmm/internal'
import { isThere, readLines, unreadable } from '@evolmm/internal/node'
import { readLog, readRunFile } from '@evolmm/runs'
import { EvolmmError } from './errors'
import { journalLength } from './journal'
import { mstar } from './mstar'
import { prm } from './prm/method'
import type { RewardReport } from './prm/report'
import { readReport } from './prm/read-report'
import type { DynamicsRecord, GeneratedRecord, MstarRecord } from './record'
import { name } from './watch'

export interface MstarStatus {
  /** The loop of Generate and Improve; null where none has begun. */
  loop: LoopStatus | null
  /** The making of a reward model; null where none has begun. */
  rewardModel: RewardModelStatus | null
  /** Files of answers by their names. */
  rollouts: readonly FileStatus[]
  /** Files of lessons by their names. */
  lessons: readonly FileStatus[]
}

export interface LoopStatus {
  /** What the run is at, or was when it was stopped. */
  phase: 'generate' | 'sweep' | 'learn' | 'monitor' | 'finished'
  /** The cycle that the phase belongs to, from 1. */
  cycle: number
  /** Optimizer steps that are done, and those of the whole run. */
  step: number
  steps: number
  temperature: number | null
  alpha: number | null
  /** What the latest cycle that learns was made of, and what was found on validation questions last, by the cycle. */
  generated: ({ cycle: number } & GeneratedRecord) | null
  dynamics: ({ cycle: number } & DynamicsRecord) | null
}

export interface RewardModelStatus {
  /** Questions that are answered, those whose answers are labelled, and optimizer steps, each of how many. */
  answered: Share | null
  labelled: Share | null
  learned: Share
  /** What was found on steps that were held out; null before the end. */
  report: RewardReport | null
}

export interface Share {
  done: number
  of: number
}

export interface FileStatus {
  name: string
  /** Lines that are there, and those that there shall be; null where nobody knows. */
  written: number
  of: number | null
}

/** Throws `UNREADABLE_FILE` for what is no folder of a run, and what reading `run.json` and the log throws. */
export async function readStatus(folder: string): Promise<MstarStatus> {
  checkText('folder', folder)
  const status = {
    loop: await loopStatus(folder),
    rewardModel: await rewardModelStatus(join(folder, 'prm')),
    rollouts: await rolloutsIn(join(folder, 'rollouts')),
    lessons: await lessonsIn(join(folder, 'lessons')),
  }
  const { loop, rewardModel, rollouts, lessons } = status
  if (loop !== null || rewardModel !== null || rollouts.length + lessons.length > 0) return status
  throw new EvolmmError(
    'UNREADABLE_FILE',
    `${folder}: must be the folder of a run of evolmm mstar, or of a part of it, got ${(await isThere(folder)) ? 'another one' : 'no such folder'}; check the path`,
    { details: { folder } },
  )
}

async function loopStatus(folder: string): Promise<LoopStatus | null> {
  const run = await readRunFile(folder)
  if (run?.method !== mstar.name) return null
  let last: MstarRecord | undefined
  let generated: LoopStatus['generated'] = null
  let dynamics: LoopStatus['dynamics'] = null
  const log = join(folder, String(mstar.log?.file))
  if (await isThere(log))
    for await (const record of readLog(folder, mstar)) {
      last = record
      const { cycle, generated: made, dynamics: found } = record
      if (hasNumbers(made, ['kept', 'answers', 'right'])) generated = { cycle, ...made }
      if (hasNumbers(found, ['greedy', 'majority', 'headroom'])) dynamics = { cycle, ...found }
    }
  const steps = typeof run.config.total_steps === 'number' ? run.config.total_steps : 0
  return {
    ...(await phaseOf(folder, last, steps)),
    ...{ step: last?.step ?? 0, steps, temperature: last?.temperature ?? null },
    alpha: typeof last?.alpha === 'number' ? last.alpha : null,
    ...{ generated, dynamics },
  }
}

/** True for what a log says in numbers; it may have been written by anybody. */
function hasNumbers<T extends object>(part: T | null, names: readonly (keyof T)[]): part is T {
  return isObject(part) && names.every((name) => typeof part[name] === 'number')
}

/** The files that there are tell what comes after the latest record. */
async function phaseOf(
  folder: string,
  last: MstarRecord | undefined,
  steps: number,
): Promise<Pick<LoopStatus, 'phase' | 'cycle'>> {
  const cycle = last?.cycle ?? 0
  if ((last?.step ?? 0) >= steps && (await isThere(join(folder, 'model'))))
    return { phase: 'finished', cycle }
  const next = await journalLength(join(folder, 'rollouts', `${name(cycle + 1)}.jsonl`))
  if (next !== undefined)
    return { phase: next.length < Number(next.head.questions) ? 'generate' : 'learn', cycle: cycle + 1 }
  const begun = async (kind: string, of: number) =>
    (await namesIn(join(folder, kind))).some((file) => file.startsWith(name(of)))
  if (cycle > 0 && (await begun('sweep', cycle))) return { phase: 'sweep', cycle: cycle + 1 }
  if (last === undefined) return { phase: 'generate', cycle: 1 }
  return { phase: last.dynamics === null && (await begun('monitor', cycle)) ? 'monitor' : 'learn', cycle }
}

async function rewardModelStatus(folder: string): Promise<RewardModelStatus | null> {
  const run = await readRunFile(folder)
  if (run?.method !== prm.name) return null
  let step = 0
  if (await isThere(join(folder, String(prm.log?.file))))
    for await (const record of readLog(folder, prm)) ({ step } = record)
  const shareOf = async (name: string) => {
    const found = await journalLength(join(folder, name))
    return found === undefined ? null : { done: found.length, of: Number(found.head.questions) }
  }
  return {
    answered: await shareOf('answers.jsonl'),
    labelled: await shareOf('steps.jsonl'),
    learned: { done: step, of: typeof run.config.total_steps === 'number' ? run.config.total_steps : 0 },
    report: (await isThere(join(folder, 'report.json'))) ? await readReport(folder) : null,
  }
}

async function rolloutsIn(folder: string): Promise<FileStatus[]> {
  const files: FileStatus[] = []
  for (const name of await linesFilesIn(folder)) {
    const { head, length = 0 } = (await journalLength(join(folder, `${name}.jsonl`))) ?? {}
    if (head === undefined) continue
    files.push({ name, written: length, of: typeof head.questions === 'number' ? head.questions : null })
  }
  return files
}

async function lessonsIn(folder: string): Promise<FileStatus[]> {
  const files: FileStatus[] = []
  for (const name of await linesFilesIn(folder)) {
    const file = join(folder, `${name}.jsonl`)
    let written = 0
    try {
      for await (const { isWhole } of readLines(file)) if (isWhole) written++
    } catch (error) {
      throw error instanceof EvolmmError ? error : unreadable(file)(error)
    }
    // A file of lessons appears as a whole.
    files.push({ name, written, of: written })
  }
  return files
}

/** The names of the files of lines in a folder, without their ending. */
async function linesFilesIn(folder: string): Promise<string[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.jsonl') && !name.startsWith('.'))
  return names.map((name) => name.replace(/\.jsonl$/, '')).sort()
}

async function namesIn(folder: string): Promise<string[]> {
  return (await isThere(folder)) ? readdir(folder) : []
}
