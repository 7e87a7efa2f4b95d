/** What Weights & Biases is told of an iteration: a line of its history, a line of console output, and an image. */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Entry } from '../../records/entry'
import type { Picture } from '../../records/record-kind'
import { thumbnail } from '../thumbnail'
import type { JournalLine } from './wandb-journal'

export interface HistoryLineOptions {
  /** The beginning of the run, in milliseconds since 1970. */
  started: number
  totalSteps: number
  /** The folder of the journal, into which an image is written; `undefined` for an iteration without one. */
  imageFolder: string | undefined
}

export async function historyLine(
  { step, metrics, status, texts, picture }: Entry,
  { started, totalSteps, imageFolder }: HistoryLineOptions,
): Promise<JournalLine> {
  const image =
    picture === undefined || imageFolder === undefined
      ? undefined
      : await saveImage(picture, step, imageFolder)
  const shown = status.map(({ label, value }) => `${label} ${value.toPrecision(3)}`).join(' ')
  return {
    history: {
      ...written(metrics),
      ...texts,
      ...(image && { 'vis/image': image }),
      ...placeOf(step, started),
    },
    output: `${isoTime()} step ${step}/${totalSteps} ${shown}`,
    media: image ? [image.path] : [],
  }
}

/** The probe of the untrained model, at step 0. */
export function probeLine(probe: Readonly<Record<string, number>>, started: number): JournalLine {
  const values = Object.fromEntries(Object.entries(probe).map(([name, value]) => [`eval/${name}`, value]))
  const shown = Object.entries(probe)
    .map(([name, value]) => `eval/${name} ${value}`)
    .join(' ')
  return {
    history: { ...written(values), 'train/global_step': 0, ...placeOf(0, started) },
    output: `${isoTime()} before step 1 ${shown}`,
    media: [],
  }
}

/** Numbers that JSON does not have are texts, as the official client writes them. */
function written(metrics: Readonly<Record<string, number>>): Record<string, number | string> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]),
  )
}

function placeOf(step: number, started: number) {
  const now = Date.now()
  return { _step: step, _timestamp: now / 1000, _runtime: (now - started) / 1000 }
}

function isoTime(): string {
  return new Date().toISOString().replace('Z', '')
}

async function saveImage({ path: source, caption }: Picture, step: number, folder: string) {
  const small = await thumbnail(source)
  if (small === undefined) return undefined
  const sha256 = createHash('sha256').update(small.bytes).digest('hex')
  const path = `media/images/vis/image_${step}_${sha256.slice(0, 20)}.png`
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), small.bytes)
  const { width, height } = small
  return {
    _type: 'image-file',
    path,
    sha256,
    size: small.bytes.length,
    width,
    height,
    format: 'png',
    caption,
  }
}
