/**
 * Weights & Biases, unofficially: the HTTP calls of its own client, without that client.
 *
 * Each iteration goes to a journal on disk first, in the modes online and offline alike; online, the journal is uploaded
 * in the background. So logging never waits for a server, a server that is away for days costs nothing but the delay, and
 * `syncWandb` can finish what a run could not. The W&B run's id is kept in the folder of the run: a run that goes on
 * continues it. The key is sent to the server and kept nowhere.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EvolmmError } from '@evolmm/internal'
import type { IterationRecord } from '../record'
import { metricsOf } from './metrics'
import { noTracker } from './no-tracker'
import { recordTexts } from './record-texts'
import { thumbnail } from './thumbnail'
import type { RunInfo, Tracker } from './tracker'
import { wandbClient } from './wandb/wandb-client'
import { type Journal, type JournalLine, openJournal } from './wandb/wandb-journal'
import {
  connectionOf,
  entityOf,
  modeOf,
  runOptionsOf,
  type WandbConnection,
  type WandbOptions,
  type WandbRunOptions,
} from './wandb/wandb-options'
import { readWandbState, type WandbState, writeWandbState } from './wandb/wandb-state'
import { type Upload, uploadJournal } from './wandb/wandb-upload'

/** Throws `WANDB_KEY_MISSING` at once when the mode is online and there is no key, and `INVALID_OPTION`. */
export function wandb(options: WandbOptions = {}): Tracker {
  const mode = modeOf(options)
  if (mode === 'disabled') return noTracker('wandb')
  const connection = mode === 'online' ? connectionOf(options) : undefined
  const settings = runOptionsOf(options)
  const entity = entityOf(options) ?? null
  let run: Run | undefined
  const started = () => {
    if (run !== undefined) return run
    throw new EvolmmError('NOT_STARTED', 'wandb: must be started before it logs; call start first')
  }
  return {
    name: 'wandb',
    start: async (info) => {
      const state = await openState(info, settings, { entity, secret: connection?.apiKey })
      const journal = await openJournal(directoryOf(info.folder, state))
      goOnAfterLoss(state, journal)
      if (journal.lines === 0 && info.startStep === 0 && info.probe !== null)
        await journal.append(probeLine(info.probe, state))
      const upload = { folder: info.folder, journal, state, resume: settings.resume }
      run = { info, upload, uploader: connection && startUploader(upload, connection, settings) }
    },
    log: async (record) => {
      const { info, upload, uploader } = started()
      const { journal, state } = upload
      // Computed again after going back to a checkpoint: the same, and there already.
      if (record.step <= journal.lastStep) return
      await journal.append(await toLine(record, { info, state, journal, imagesEvery: settings.imagesEvery }))
      uploader?.wake()
    },
    flush: async () => {
      await started().upload.journal.sync()
    },
    finish: async ({ status }) => {
      const { upload, uploader } = started()
      run = undefined
      await uploader?.pause()
      upload.state.exit_code = exitCodes[status]
      await writeWandbState(upload.folder, upload.state)
      await uploader?.finish()
      await upload.journal.close()
    },
  }
}

interface Run {
  info: RunInfo
  upload: Upload
  uploader: Uploader | undefined
}

/** 255 is what W&B shows as killed by its user. */
const exitCodes = { finished: 0, stopped: 255, failed: 1 } as const

export function directoryOf(folder: string, { directory }: WandbState): string {
  return isAbsolute(directory) ? directory : join(folder, directory)
}

async function openState(
  { folder, name, config }: RunInfo,
  settings: WandbRunOptions,
  { entity, secret }: { entity: string | null; secret: string | undefined },
): Promise<WandbState> {
  const known = await readWandbState(folder)
  const same = known !== undefined && (settings.runId === undefined || settings.runId === known.run_id)
  const runId = settings.runId ?? known?.run_id ?? drawId()
  const { directory } = settings
  const state: WandbState = same
    ? { ...known, exit_code: null, completed: false }
    : {
        schema_version: 1,
        run_id: runId,
        name: settings.name ?? name,
        project: settings.project,
        entity,
        directory: directory === undefined ? 'wandb' : join(resolve(directory), 'wandb', `evolmm-${runId}`),
        started: Date.now(),
        config: Object.fromEntries(
          Object.entries(config).filter(([, value]) => secret === undefined || value !== secret),
        ),
        resume_checked: false,
        history_base: null,
        output_base: 0,
        sent: 0,
        exit_code: null,
        completed: false,
      }
  await writeWandbState(folder, state)
  return state
}

/** Eight letters and digits, as W&B's own ids. */
function drawId(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'
  return Array.from(randomBytes(8), (byte) => alphabet[byte % alphabet.length]).join('')
}

async function toLine(
  record: IterationRecord,
  {
    info,
    state,
    journal,
    imagesEvery,
  }: { info: RunInfo; state: WandbState; journal: Journal; imagesEvery: number },
): Promise<JournalLine> {
  const { step } = record
  const now = Date.now()
  const numbers = Object.entries(metricsOf(record)).map(([name, value]): [string, number | string] => [
    name,
    Number.isFinite(value) ? value : String(value),
  ])
  const image =
    imagesEvery > 0 && step % imagesEvery === 0 ? await saveImage(record, journal.folder) : undefined
  const history = {
    ...Object.fromEntries(numbers),
    ...recordTexts(record),
    ...(image === undefined ? {} : { 'vis/image': image }),
    _step: step,
    _timestamp: now / 1000,
    _runtime: (now - state.started) / 1000,
  }
  const shown = ['reward', 'train/maj_frac', 'train/entropy_nats', 'kl'].flatMap((name) => {
    const value = (history as Record<string, unknown>)[name]
    return typeof value === 'number' ? [`${name} ${value.toPrecision(3)}`] : []
  })
  return {
    history,
    output: `${isoTime(now)} step ${step}/${info.totalSteps} ${shown.join(' ')}`,
    media: image === undefined ? [] : [image.path],
  }
}

/** The probe of the untrained model, at step 0. */
function probeLine(probe: Readonly<Record<string, number>>, { started }: WandbState): JournalLine {
  const values = Object.entries(probe).map(([name, value]): [string, number] => [`eval/${name}`, value])
  const now = Date.now()
  const own = { _step: 0, _timestamp: now / 1000, _runtime: (now - started) / 1000 }
  return {
    history: { ...Object.fromEntries(values), 'train/global_step': 0, ...own },
    output: `${isoTime(now)} before step 1 ${values.map(([name, value]) => `${name} ${value}`).join(' ')}`,
    media: [],
  }
}

function isoTime(time: number): string {
  return new Date(time).toISOString().replace('Z', '')
}

/** A journal that someone removed: what is logged from now on follows what was uploaded. */
function goOnAfterLoss(state: WandbState, { lines }: Journal): void {
  const missing = state.sent - lines
  if (missing <= 0 || state.history_base === null) return
  state.history_base += missing
  state.output_base += missing
  state.sent = lines
}

async function saveImage(record: IterationRecord, folder: string) {
  const first = record.images.at(0)
  const small = first && (await thumbnail(first.path))
  if (first === undefined || small === undefined) return undefined
  const sha256 = createHash('sha256').update(small.bytes).digest('hex')
  const path = `media/images/vis/image_${record.step}_${sha256.slice(0, 20)}.png`
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), small.bytes)
  return {
    _type: 'image-file',
    path,
    sha256,
    size: small.bytes.length,
    width: small.width,
    height: small.height,
    format: 'png',
    caption: first.question ?? '',
  }
}

interface Uploader {
  /** There is something new. */
  wake: () => void
  /** Stops uploading in the background. */
  pause: () => Promise<void>
  /** Uploads the rest, as far as time allows. */
  finish: () => Promise<void>
}

function startUploader(upload: Upload, connection: WandbConnection, settings: WandbRunOptions): Uploader {
  const background = new AbortController()
  const client = wandbClient(connection, { signal: background.signal, background: true })
  let working: Promise<void> | undefined
  let stopped = false

  let warned = false
  const failed = (error: unknown) => {
    const refusal = error instanceof EvolmmError && error.code === 'WANDB_REFUSED'
    stopped = refusal
    if (warned && !refusal) return
    warned = true
    const reason = error instanceof Error ? error.message : String(error)
    const message = `${reason}; the run goes on${refusal ? ' without uploads' : ', and it is tried again'}`
    connection.onWarning({ code: refusal ? 'WANDB_REFUSED' : 'WANDB_FAILED', message })
  }
  const work = async () => {
    try {
      while (!stopped && upload.state.sent < upload.journal.lines) {
        await uploadJournal(upload, client)
        await delay(settings.uploadInterval, undefined, { signal: background.signal, ref: false })
      }
    } catch (error) {
      if (!background.signal.aborted) failed(error)
    } finally {
      working = undefined
    }
  }
  return {
    wake: () => {
      working ??= work()
    },
    pause: async () => {
      background.abort()
      await working
    },
    finish: async () => {
      const { journal, state, folder } = upload
      const last = new AbortController()
      const timer = setTimeout(() => {
        last.abort()
      }, settings.finishTimeout)
      try {
        if (!stopped) await uploadJournal(upload, wandbClient(connection, { signal: last.signal }))
      } catch (error) {
        if (!last.signal.aborted) failed(error)
      } finally {
        clearTimeout(timer)
      }
      if (state.completed) return
      connection.onWarning({
        code: 'WANDB_UNSENT',
        message: `W&B: ${journal.lines - state.sent} of ${journal.lines} steps are not uploaded; evolmm sync ${folder} does that`,
      })
    },
  }
}
