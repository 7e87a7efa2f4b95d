/**
 * What is to be uploaded, line by line, on disk: the n-th line here is the n-th line that a run adds on the server, so
 * that a line that is sent twice lands in the same place. A run that goes on from an earlier step computes the same
 * again, and only what comes after the last line is added.
 */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, parseJson, parseObject } from '@evolmm/internal'
import { isSafePath, openAppendFile, readLines, unreadable, unwritable } from '@evolmm/internal/node'
import { EvolmmError } from '../../errors'

export interface JournalLine {
  history: Record<string, unknown>
  /** One line of console output. */
  output: string
  /** Files that the history names, from the folder of the journal. */
  media: string[]
}

export interface WandbJournal {
  folder: string
  readonly lines: number
  /** The step of the last line; 0 without one. */
  readonly lastStep: number
  append: (line: JournalLine) => Promise<void>
  /** Lines from `from` on, at most as many as a request should have. Ascending calls are fast. */
  read: (from: number) => Promise<JournalLine[]>
  sync: () => Promise<void>
  close: () => Promise<void>
}

const requestLines = 500
const requestBytes = 1 << 20

/**
 * Opens or creates the journal; what a killed process left unfinished at its end goes. Throws `WANDB_JOURNAL_DAMAGED`,
 * `UNREADABLE_FILE` or `UNWRITABLE_FILE`.
 */
export async function openJournal(folder: string): Promise<WandbJournal> {
  await mkdir(folder, { recursive: true }).catch(unwritable(folder))
  const path = join(folder, 'journal.jsonl')
  const { ends, lastStep } = await scan(path).catch(unreadable(path))
  const file = await openAppendFile(path, ends.at(-1) ?? 0).catch(unwritable(path))
  let step = lastStep
  return {
    folder,
    get lines() {
      return ends.length
    },
    get lastStep() {
      return step
    },
    append: async (line) => {
      await file.append(Buffer.from(`${JSON.stringify(line)}\n`))
      ends.push(file.size)
      step = Number(line.history._step)
    },
    read: async (from) => {
      const start = ends[from - 1] ?? 0
      let to = from
      while (
        to < ends.length &&
        to < from + requestLines &&
        (to === from || ends[to] <= start + requestBytes)
      )
        to++
      if (to === from) return []
      const bytes = Buffer.alloc(ends[to - 1] - start)
      const handle = await open(path)
      await handle.read(bytes, 0, bytes.length, start).finally(() => handle.close())
      return bytes
        .toString('utf8')
        .trimEnd()
        .split('\n')
        .map((line) => parseJson(line) as JournalLine)
    },
    sync: () => file.sync(),
    close: () => file.close(),
  }
}

/** Finds where each whole line ends. Throws `WANDB_JOURNAL_DAMAGED` for a line in the middle that is none of ours. */
async function scan(path: string): Promise<{ ends: number[]; lastStep: number }> {
  let bad = false
  const ends: number[] = []
  let lastStep = 0
  try {
    for await (const { bytes, end, isWhole } of readLines(path)) {
      if (!isWhole) break
      const line = parseObject(bytes.toString('utf8'))
      // At the end, what a killed process left may end like a line, but is no object.
      if (bad || (line !== undefined && !isLine(line))) throw damaged(path, ends.length + 1)
      bad = line === undefined
      if (line === undefined) continue
      lastStep = line.history._step
      ends.push(end)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { ends, lastStep }
}

function damaged(path: string, line: number): EvolmmError {
  return new EvolmmError(
    'WANDB_JOURNAL_DAMAGED',
    `${path}: line ${line} must be a step of the run, got something else; restore the file, or remove it to go on without what it had`,
    { details: { path, line } },
  )
}

function isLine(
  line: Record<string, unknown>,
): line is Record<string, unknown> & { history: { _step: number } } {
  const { history, output, media } = line
  return (
    isObject(history) &&
    Number.isSafeInteger(history._step) &&
    typeof output === 'string' &&
    Array.isArray(media) &&
    media.every((file) => typeof file === 'string' && isMedia(file))
  )
}

/** Pictures lie in a folder of their own; nothing else on the machine is anything that a run uploads. */
function isMedia(file: string): boolean {
  return file.startsWith('media/') && isSafePath(file)
}
