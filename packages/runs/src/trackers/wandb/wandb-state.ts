/** `wandb.json` in the folder of a run: which W&B run it is, and how much of it is there. Nothing in it is secret. */
import { randomBytes } from 'node:crypto'
import { isAbsolute, join, normalize, resolve, sep } from 'node:path'
import { isObject, jsonText, parseObject } from '@evolmm/internal'
import { isSafePath, readSmallText, replaceFile } from '@evolmm/internal/node'
import { EvolmmError } from '../../errors'
import type { RunInfo } from '../tracker'
import type { WandbRunOptions } from './wandb-options'

export interface WandbState {
  schema_version: 1
  run_id: string
  name: string
  project: string
  entity: string | null
  /** Folder of the journal and of images, absolute or from the folder of the run. */
  directory: string
  /** The time at which the run began, in milliseconds since 1970. */
  started: number
  config: Readonly<Record<string, unknown>>
  /** `true` once the server was asked for a run of this id, before one was made there. */
  resume_checked: boolean
  /** Lines that the server had when the run was first met: ours follow. `null` before that. */
  history_base: number | null
  output_base: number
  /** Lines of the journal that the server has confirmed. */
  sent: number
  /** The exit code of the process, once the run has ended. */
  exit_code: number | null
  /** `true` once the server knows that. */
  completed: boolean
}

/** The state of the run that goes on in `folder`, or a new one; written before anything is sent. */
export async function openWandbState(
  { folder, name, config }: Pick<RunInfo, 'folder' | 'name' | 'config'>,
  settings: Pick<WandbRunOptions, 'runId' | 'name' | 'project' | 'directory'>,
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

/**
 * The folder of the journal and of images, absolute: in that of the run, or where `openWandbState` puts one elsewhere.
 * Throws `WANDB_STATE_DAMAGED` for any other.
 */
export function journalFolder(folder: string, { directory, run_id: runId }: WandbState): string {
  const elsewhere = join('wandb', `evolmm-${runId}`)
  if (isAbsolute(directory) && isSafePath(runId) && normalize(directory).endsWith(join(sep, elsewhere)))
    return directory
  if (isSafePath(directory)) return join(folder, directory)
  throw damaged(fileOf(folder), undefined)
}

/** Eight letters and digits, as W&B's own ids. */
function drawId(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'
  return Array.from(randomBytes(8), (byte) => alphabet[byte % alphabet.length]).join('')
}

function fileOf(folder: string): string {
  return join(folder, 'wandb.json')
}

/** `undefined` if there is none. Throws `WANDB_STATE_DAMAGED`. */
export async function readWandbState(folder: string): Promise<WandbState | undefined> {
  const file = fileOf(folder)
  let text: string
  try {
    text = await readSmallText(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw damaged(file, error)
  }
  const state: Partial<WandbState> = parseObject(text) ?? {}
  if (!isWhole(state)) throw damaged(file, undefined)
  return state
}

function isWhole(state: Partial<WandbState>): state is WandbState {
  const texts = [state.run_id, state.name, state.project, state.directory]
  const counts = [state.sent, state.output_base, state.history_base ?? 0]
  return (
    state.schema_version === 1 &&
    texts.every((each) => typeof each === 'string') &&
    (state.entity === null || typeof state.entity === 'string') &&
    Number.isFinite(state.started) &&
    isObject(state.config) &&
    [state.resume_checked, state.completed].every((each) => typeof each === 'boolean') &&
    counts.every((each) => Number.isSafeInteger(each) && Number(each) >= 0) &&
    state.history_base !== undefined &&
    (state.exit_code === null || Number.isSafeInteger(state.exit_code))
  )
}

/** Whole or not at all. Throws `UNWRITABLE_FILE`. */
export async function writeWandbState(folder: string, state: WandbState): Promise<void> {
  await replaceFile(fileOf(folder), jsonText(state))
}

function damaged(file: string, cause: unknown): EvolmmError {
  return new EvolmmError(
    'WANDB_STATE_DAMAGED',
    `${file}: must be a readable file of schema_version 1; move it away to begin a new W&B run`,
    { details: { file }, cause },
  )
}
