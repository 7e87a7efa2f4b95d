/** Uploads the journal of a run while the run goes on. */
import { setTimeout as delay } from 'node:timers/promises'
import { shellWord } from '@evolmm/internal'
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
  const { journal, state, folder } = upload
  const background = new AbortController()
  const client = wandbClient(connection, { signal: background.signal, background: true })
  const failures = failureReport(connection)
  let working: Promise<void> | undefined

  const work = async () => {
    try {
      while (!failures.refused() && state.sent < journal.lines) {
        await uploadJournal(upload, client)
        await delay(uploadInterval, undefined, { signal: background.signal, ref: false })
      }
    } catch (error) {
      if (!background.signal.aborted) failures.add(error)
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
      if (!failures.refused()) await uploadRest(upload, connection, { finishTimeout, failures })
      if (state.completed) return
      connection.onWarning(
        `W&B: ${journal.lines - state.sent} of ${journal.lines} steps are not uploaded; evolmm sync ${shellWord(folder)} does that`,
        'WANDB_UNSENT',
      )
    },
  }
}

async function uploadRest(
  upload: Upload,
  connection: WandbConnection,
  { finishTimeout, failures }: Pick<WandbRunOptions, 'finishTimeout'> & { failures: FailureReport },
): Promise<void> {
  const last = new AbortController()
  const timer = setTimeout(() => {
    last.abort()
  }, finishTimeout)
  try {
    await uploadJournal(upload, wandbClient(connection, { signal: last.signal }))
  } catch (error) {
    if (!last.signal.aborted) failures.add(error)
  } finally {
    clearTimeout(timer)
  }
}

interface FailureReport {
  add: (error: unknown) => void
  /** `true` once the server has refused the run, so that nothing is tried again. */
  refused: () => boolean
}

/** Tells of the first failure, and of a refusal. */
function failureReport({ onWarning }: WandbConnection): FailureReport {
  let [refused, warned] = [false, false]
  return {
    refused: () => refused,
    add: (error) => {
      refused = error instanceof EvolmmError && error.code === 'WANDB_REFUSED'
      if (warned && !refused) return
      warned = true
      const reason = error instanceof Error ? error.message : String(error)
      const follows = refused ? ' without uploads' : ', and it is tried again'
      onWarning(`${reason}; the run goes on${follows}`, refused ? 'WANDB_REFUSED' : 'WANDB_FAILED')
    },
  }
}
