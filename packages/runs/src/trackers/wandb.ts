/**
 * Weights & Biases, unofficially: the HTTP calls of its own client, without that client.
 *
 * Each iteration goes to a journal on disk first, in the modes online and offline alike; online, the journal is uploaded
 * in the background. So logging never waits for a server, a server that is away for days costs nothing but the delay, and
 * `syncWandb` can finish what a run could not. The W&B run's id is kept in the folder of the run: a run that goes on
 * continues it. The key is sent to the server and kept nowhere.
 */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { Entry } from '../records/entry'
import type { RunInfo, Tracker } from './tracker'
import { historyLine, probeLine } from './wandb/history-line'
import { startUploader, type Uploader } from './wandb/uploader'
import { type WandbJournal, openJournal } from './wandb/wandb-journal'
import {
  connectionOf,
  connectionOptionNames,
  entityOf,
  modeOf,
  runOptionsOf,
  type WandbOptions,
} from './wandb/wandb-options'
import { journalFolder, openWandbState, type WandbState, writeWandbState } from './wandb/wandb-state'
import type { Upload } from './wandb/wandb-upload'

/** Throws `WANDB_KEY_MISSING` at once when the mode is online and there is no key, and `INVALID_OPTION`. */
export function wandb(options: WandbOptions = {}): Tracker {
  checkNames('wandb', options, {
    ...connectionOptionNames,
    mode: true,
    project: true,
    name: true,
    runId: true,
    resume: true,
    folder: true,
    imagesEvery: true,
    uploadInterval: true,
    finishTimeout: true,
  })
  const name = 'wandb'
  const mode = modeOf(options)
  if (mode === 'disabled') return { name }
  const connection = mode === 'online' ? connectionOf(options) : undefined
  const settings = runOptionsOf(options)
  const entity = entityOf(options) ?? null
  let run: WandbRun | undefined
  const started = () => {
    if (run !== undefined) return run
    throw new EvolmmError('NOT_STARTED', 'wandb: must be started before it logs; call start first')
  }
  return {
    name,
    start: async (info) => {
      const upload = await openUpload(info, settings, { entity, secret: connection?.apiKey })
      run = { info, upload, uploader: connection && startUploader(upload, connection, settings) }
    },
    log: async (entry) => {
      const to = started()
      // Computed again after going back to a checkpoint: the same, and there already.
      if (entry.step <= to.upload.journal.lastStep) return
      await append(to, entry, settings.imagesEvery)
      to.uploader?.wake()
    },
    flush: async () => {
      await started().upload.journal.sync()
    },
    finish: async ({ status }) => {
      const { upload, uploader } = started()
      run = undefined
      try {
        await uploader?.pause()
        upload.state.exit_code = exitCodes[status]
        await writeWandbState(upload.folder, upload.state)
        await uploader?.finish()
      } finally {
        await upload.journal.close()
      }
    },
    abandon: async () => {
      const left = run
      run = undefined
      await left?.uploader?.pause()
      await left?.upload.journal.close()
    },
  }
}

interface WandbRun {
  info: RunInfo
  upload: Upload
  uploader: Uploader | undefined
}

/** The run's state and its journal, which is closed where it cannot begin. */
async function openUpload(
  info: RunInfo,
  settings: ReturnType<typeof runOptionsOf>,
  access: Parameters<typeof openWandbState>[2],
): Promise<Upload> {
  const state = await openWandbState(info, settings, access)
  const journal = await openJournal(journalFolder(info.folder, state))
  try {
    goOnAfterLoss(state, journal)
    if (journal.lines === 0 && info.startStep === 0 && info.probe !== null)
      await journal.append(probeLine(info.probe, state.started))
  } catch (error) {
    await journal.close().catch(() => undefined)
    throw error
  }
  return { folder: info.folder, journal, state, resume: settings.resume }
}

/** The line of an iteration, with its image in every so many of them. */
async function append({ info, upload }: WandbRun, entry: Entry, imagesEvery: number): Promise<void> {
  const { journal, state } = upload
  const hasImage = imagesEvery > 0 && entry.step % imagesEvery === 0
  const line = await historyLine(entry, {
    started: state.started,
    totalSteps: info.totalSteps,
    imageFolder: hasImage ? journal.folder : undefined,
  })
  await journal.append(line)
}

/** 255 is what W&B shows as killed by its user. */
const exitCodes = { finished: 0, stopped: 255, failed: 1 } as const

/** A journal that someone removed: what is logged from now on follows what was uploaded. */
function goOnAfterLoss(state: WandbState, { lines }: WandbJournal): void {
  const missing = state.sent - lines
  if (missing <= 0 || state.history_base === null) return
  state.history_base += missing
  state.output_base += missing
  state.sent = lines
}
