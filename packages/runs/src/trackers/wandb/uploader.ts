/** Uploads the journal of a run while the run goes on. */
import { setTimeout as delay } from 'node:timers/promises'
import { EvolmmError } from '../../errors'
import { wandbClient } from './wandb-client'
import type { WandbConnection, WandbRunOptions } from './wandb-options'
import { type Upload, uploadJournal } from './wandb-upload'

export interface Uploader {
  /** Says that there is something new. */
  wake: () => void
  /** Stops uploading in the background. */
  pause: () => Promise<void>
  /** Uploads the rest, as far as time allows. */
  finish: () => Promise<void>
}

export function startUploader(
  upload: Upload,
  connection: WandbConnection,
  { uploadInterval, finishTimeout }: Pick<WandbRunOptions, 'uploadInterval' | 'finishTimeout'>,
): Uploader {
  const { onWarning } = connection
  const { journal, state, folder } = upload
  const background = new AbortController()
  const client = wandbClient(connection, { signal: background.signal, background: true })
  let working: Promise<void> | undefined
  let [stopped, warned] = [false, false]

  const failed = (error: unknown) => {
    stopped = error instanceof EvolmmError && error.code === 'WANDB_REFUSED'
    if (warned && !stopped) return
    warned = true
    const reason = error instanceof Error ? error.message : String(error)
    const follows = stopped ? ' without uploads' : ', and it is tried again'
    onWarning(`${reason}; the run goes on${follows}`, stopped ? 'WANDB_REFUSED' : 'WANDB_FAILED')
  }
  const work = async () => {
    try {
      while (!stopped && state.sent < journal.lines) {
        await uploadJournal(upload, client)
        await delay(uploadInterval, undefined, { signal: background.signal, ref: false })
      }
    } catch (error) {
      if (!background.signal.aborted) failed(error)
    } finally {
      working = undefined
    }
  }
  const uploadRest = async () => {
    const last = new AbortController()
    const timer = setTimeout(() => {
      last.abort()
    }, finishTimeout)
    try {
      if (!stopped) await uploadJournal(upload, wandbClient(connection, { signal: last.signal }))
    } catch (error) {
      if (!last.signal.aborted) failed(error)
    } finally {
      clearTimeout(timer)
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
      await uploadRest()
      if (state.completed) return
      onWarning(
        `W&B: ${journal.lines - state.sent} of ${journal.lines} steps are not uploaded; evolmm sync ${folder} does that`,
        'WANDB_UNSENT',
      )
    },
  }
}
