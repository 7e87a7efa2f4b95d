/** Uploads what a run kept for Weights & Biases: a run offline, or the rest of one that could not reach the server. */
import { checkNames, checkText } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { wandbClient } from './wandb/wandb-client'
import { openJournal } from './wandb/wandb-journal'
import { connectionOf, connectionOptionNames, type WandbConnectionOptions } from './wandb/wandb-options'
import { journalFolder, readWandbState } from './wandb/wandb-state'
import { uploadJournal } from './wandb/wandb-upload'

export interface SyncWandbOptions extends WandbConnectionOptions {
  /** Failures in a row after which it is given up. @default 8 */
  retries?: number
  signal?: AbortSignal
}

export interface SyncedWandb {
  runId: string
  /** The address of the page that shows the run. */
  url: string
  /** Steps that the run has logged, and how many of them were uploaded now. */
  steps: number
  uploaded: number
}

/**
 * Can be repeated, and goes on where it stopped: nothing is uploaded twice to two places. Not for a run that is being
 * trained at this moment. Throws `WANDB_NOTHING_TO_SYNC`, `WANDB_STATE_DAMAGED`, `WANDB_KEY_MISSING`, `WANDB_REFUSED`
 * or `WANDB_UNREACHABLE`.
 */
export async function syncWandb(folder: string, options: SyncWandbOptions = {}): Promise<SyncedWandb> {
  checkNames('syncWandb', options, { ...connectionOptionNames, retries: true, signal: true })
  checkText('folder', folder)
  const state = await readWandbState(folder)
  if (state === undefined)
    throw new EvolmmError(
      'WANDB_NOTHING_TO_SYNC',
      `${folder}: must be the folder of a run that was tracked for W&B, got one without wandb.json; train with --wandb_mode offline or online`,
      { details: { folder } },
    )
  const connection = connectionOf(options)
  if (state.history_base === null) state.entity ??= connection.entity ?? null
  const { signal = new AbortController().signal, retries = 8 } = options
  const journal = await openJournal(journalFolder(folder, state))
  const before = state.sent
  try {
    const upload = { folder, journal, state, resume: 'allow' as const }
    await uploadJournal(upload, wandbClient(connection, { signal, retries }))
  } finally {
    await journal.close()
  }
  const host = connection.baseUrl.href.replace('://api.wandb.ai', '://wandb.ai').replace(/\/+$/, '')
  return {
    runId: state.run_id,
    url: `${host}/${state.entity ?? ''}/${state.project}/runs/${state.run_id}`,
    steps: journal.lines,
    uploaded: state.sent - before,
  }
}
