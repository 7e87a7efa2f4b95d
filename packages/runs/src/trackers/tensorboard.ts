/**
 * TensorBoard event files in the folder of the run, so that `tensorboard --logdir runs` shows it: all numbers of an
 * iteration, texts, and images by option. Each start writes a file of its own, which begins with a session start: with
 * it TensorBoard forgets what earlier files have of that step and later ones.
 */
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { checkInteger, checkNames } from '@evolmm/internal'
import { type AppendFile, openAppendFile } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { Entry } from '../records/entry'
import { defaultImagesEvery } from '../settings'
import { eventRecord, type EventContent, type SummaryValue } from './tensorboard/event-record'
import { thumbnail } from './thumbnail'
import type { Tracker } from './tracker'

export interface TensorboardOptions {
  /** Steps from one text to the next; 0 writes none. @default 1 */
  textsEvery?: number
  /** Steps from one image to the next; 0 writes none. @default 0 */
  imagesEvery?: number
  /** The time in milliseconds since 1970. @default Date.now */
  clock?: () => number
}

export function tensorboard(options: TensorboardOptions = {}): Required<Tracker> {
  checkNames('tensorboard', options, { textsEvery: true, imagesEvery: true, clock: true })
  const textsEvery = checkInteger('textsEvery', options.textsEvery ?? 1, { min: 0 })
  const imagesEvery = checkInteger('imagesEvery', options.imagesEvery ?? defaultImagesEvery, { min: 0 })
  const { clock = Date.now } = options
  let file: AppendFile | undefined
  const opened = () => {
    if (file !== undefined) return file
    throw new EvolmmError('NOT_STARTED', 'tensorboard: must be started before it logs; call start first')
  }
  const record = (step: number, content: EventContent) =>
    eventRecord({ wallTime: clock() / 1000, step, content })

  return {
    name: 'tensorboard',
    start: async ({ folder, startStep, probe }) => {
      const path = await newEventFile(folder, clock)
      const started = await openAppendFile(path)
      // The first session start of a run takes nothing back, so that each file must have one.
      const head = [record(0, { kind: 'version' }), record(startStep + 1, { kind: 'session-start' })]
      if (startStep === 0 && probe !== null) {
        const values = Object.entries(probe).map(([name, scalar]) => ({ tag: `eval/${name}`, scalar }))
        head.push(record(0, { kind: 'summary', values }))
      }
      try {
        await started.append(Buffer.concat(head))
      } catch (error) {
        // It is tried again, with another file.
        await started.close().catch(() => undefined)
        await rm(path, { force: true })
        throw error
      }
      file = started
    },
    log: async (entry) => {
      const { step } = entry
      const values: SummaryValue[] = Object.entries(entry.metrics).map(([tag, scalar]) => ({ tag, scalar }))
      if (isDue(step, textsEvery)) values.push(...texts(entry))
      if (isDue(step, imagesEvery)) values.push(...(await images(entry)))
      await opened().append(record(step, { kind: 'summary', values }))
    },
    flush: async () => {
      await opened().sync()
    },
    finish: async () => {
      const last = opened()
      file = undefined
      await last.close()
    },
    abandon: async () => {
      await file?.close()
      file = undefined
    },
  }
}

function isDue(step: number, every: number): boolean {
  return every > 0 && step % every === 0
}

function texts(entry: Entry): SummaryValue[] {
  return Object.entries(entry.texts).map(([tag, text]) => ({
    tag,
    // Markdown shows what is indented as it stands.
    text: text.replace(/^/gm, '    '),
  }))
}

async function images({ picture }: Entry): Promise<SummaryValue[]> {
  const image = picture && (await thumbnail(picture.path))
  return image === undefined ? [] : [{ tag: 'vis/image', image }]
}

/** Files are read in the order of their names, so each must come after those that are there. */
async function newEventFile(folder: string, clock: () => number): Promise<string> {
  const seconds = (await readdir(folder)).map((name) =>
    Number(/^events\.out\.tfevents\.(\d{1,12})\./.exec(name)?.[1] ?? 0),
  )
  const time = Math.max(Math.floor(clock() / 1000), ...seconds.map((each) => each + 1))
  return join(folder, `events.out.tfevents.${String(time).padStart(10, '0')}.${hostname()}.${process.pid}.0`)
}
