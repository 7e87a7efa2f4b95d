/** Brings the journal of a run to the server, from where the server has confirmed it. Can be stopped anywhere. */
import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { readSmallFile } from '@evolmm/internal/node'
import { EvolmmError } from '../../errors'
import type { WandbJournal, JournalLine } from './wandb-journal'
import type { FileStreamPost, WandbClient, WandbRunPath } from './wandb-client'
import type { WandbResume } from './wandb-options'
import { type WandbState, writeWandbState } from './wandb-state'

export interface Upload {
  /** The folder of the run. */
  folder: string
  journal: WandbJournal
  /** Is changed as the server confirms. */
  state: WandbState
  resume: WandbResume
  /** Once the server has been met. */
  path?: WandbRunPath
}

/** Uploads all that is there, and that the run has ended if it has. */
export async function uploadJournal(upload: Upload, client: WandbClient): Promise<void> {
  const { state, journal, folder } = upload
  const path = (upload.path ??= await meet(upload, client))
  const base = state.history_base ?? 0
  while (state.sent < journal.lines) {
    const lines = await journal.read(state.sent)
    const media = lines.flatMap((line) => line.media)
    for (const name of media) await uploadImage(path, name, upload, client)
    await client.post(
      path,
      toPost(lines, { history: base + state.sent, output: state.output_base + state.sent }),
    )
    state.sent += lines.length
    await writeWandbState(folder, state)
  }
  if (state.exit_code === null || state.completed) return
  await client.post(path, { complete: true, exitcode: state.exit_code })
  state.completed = true
  await writeWandbState(folder, state)
}

/** Creates the run on the server, or finds it. */
async function meet({ state, folder, resume }: Upload, client: WandbClient): Promise<WandbRunPath> {
  const { entity, project, run_id: runId, name } = state
  const first = state.history_base === null
  if (first && resume !== 'allow' && !state.resume_checked) {
    const exists = await client.exists({ entity, project, runId })
    if (exists !== (resume === 'must'))
      throw new EvolmmError(
        'WANDB_REFUSED',
        `W&B: run ${runId} must ${exists ? 'not be there yet, got one' : 'be there, got none'}; resume is ${resume}`,
      )
    // Before the next request: from now on a run that is there may be ours.
    state.resume_checked = true
    await writeWandbState(folder, state)
  }
  const config = first ? JSON.stringify(toConfig(state)) : null
  const run = await client.upsert({ entity, project, runId, name, config })
  if (first) {
    // Before the first line: from now on what the server has may be ours.
    state.history_base = run.historyLines
    state.output_base = run.outputLines
    state.entity = run.entity
    await writeWandbState(folder, state)
  }
  return run
}

/** An image that is gone or refused must not keep the numbers from being uploaded. */
async function uploadImage(
  path: WandbRunPath,
  name: string,
  { journal }: Upload,
  client: WandbClient,
): Promise<void> {
  const file = await realpath(join(journal.folder, name)).catch(() => undefined)
  if (file === undefined) return
  // A link may lead anywhere.
  if (!file.startsWith(join(await realpath(journal.folder), sep)))
    throw new EvolmmError(
      'WANDB_JOURNAL_DAMAGED',
      `${join(journal.folder, name)}: must lie in the folder of the journal, got a link to ${file}; put the file itself there`,
      { details: { file: name } },
    )
  const content = await readSmallFile(file).catch(() => undefined)
  if (content === undefined) return
  try {
    await client.uploadFile(path, name, new Uint8Array(content))
  } catch (error) {
    if (!(error instanceof EvolmmError) || error.code !== 'WANDB_REFUSED') throw error
  }
}

function toPost(lines: readonly JournalLine[], offset: { history: number; output: number }): FileStreamPost {
  const history = lines.map((line) => JSON.stringify(line.history))
  const media = lines.flatMap((line) => line.media)
  return {
    files: {
      'wandb-history.jsonl': { offset: offset.history, content: history },
      'wandb-summary.json': { offset: 0, content: history.slice(-1) },
      'output.log': { offset: offset.output, content: lines.map(({ output }) => `${output}\n`) },
    },
    ...(media.length > 0 ? { uploaded: media } : {}),
  }
}

/** The configuration and the axis that all numbers are drawn over, in the numbered fields of the official client. */
function toConfig({ config }: WandbState): Record<string, unknown> {
  const axis = [
    { 1: 'train/global_step', 6: [3] },
    { 2: '*', 5: 1, 6: [1] },
  ]
  const values = Object.entries(config).map(([name, value]): [string, unknown] => [name, { value }])
  return { ...Object.fromEntries(values), _wandb: { value: { m: axis } } }
}
