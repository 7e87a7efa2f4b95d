/** What is known about the place where a run is shown: options, else environment variables, else defaults. */
import { checkInteger, checkNumber, checkOneOf } from '@evolmm/internal'
import { EvolmmError } from '../../errors'
import { defaultImagesEvery, releasedProject, wandbModes } from '../../settings'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import { netrcKey } from './netrc-key'

export type WandbMode = (typeof wandbModes)[number]
export type WandbResume = 'allow' | 'must' | 'never'

/** Options of the connection to a server. */
export interface WandbConnectionOptions {
  /** The key is never written anywhere. @default WANDB_API_KEY, else what `wandb login` left in `~/.netrc` */
  apiKey?: string | undefined
  /** @default WANDB_BASE_URL, else https://api.wandb.ai */
  baseUrl?: string | undefined
  /** The user or team that owns the run. @default WANDB_ENTITY, else the one that the key belongs to */
  entity?: string | undefined
  /** Milliseconds after which a request counts as lost. @default 30,000 */
  requestTimeout?: number | undefined
  /** Milliseconds before a request is made again; doubles up to a minute. @default 1,000 */
  retryDelay?: number | undefined
  /** @default fetch */
  fetch?: typeof fetch | undefined
  /** @default a process warning */
  onWarning?: WarningListener | undefined
  /** @default process.env */
  environment?: Readonly<Record<string, string | undefined>> | undefined
}

/** The names of all of them, by which unknown ones are found. */
export const connectionOptionNames = {
  apiKey: true,
  baseUrl: true,
  entity: true,
  requestTimeout: true,
  retryDelay: true,
  fetch: true,
  onWarning: true,
  environment: true,
} as const

export interface WandbOptions extends WandbConnectionOptions {
  /** @default WANDB_MODE, else 'disabled' */
  mode?: WandbMode | undefined
  /** @default WANDB_PROJECT, else `releasedProject` */
  project?: string | undefined
  /** Name that is shown. @default WANDB_NAME, else that of the run */
  name?: string | undefined
  /** @default WANDB_RUN_ID, else one that is drawn and kept in the folder of the run */
  runId?: string | undefined
  /** What to do about a run of this id on the server, when it is first met. @default WANDB_RESUME, else 'allow' */
  resume?: WandbResume | undefined
  /** The folder for what is kept on disk. @default WANDB_DIR, else the folder of the run; a folder `wandb` is made there */
  folder?: string | undefined
  /** Steps from one image to the next; 0 sends none. @default 0 */
  imagesEvery?: number | undefined
  /** Milliseconds from one upload to the next. @default 5,000 */
  uploadInterval?: number | undefined
  /** Milliseconds that the end of a run waits for the rest to be uploaded. @default 30,000 */
  finishTimeout?: number | undefined
}

export interface WandbConnection {
  apiKey: string
  baseUrl: URL
  entity: string | undefined
  requestTimeout: number
  retryDelay: number
  fetch: typeof fetch
  onWarning: WarningListener
}

/** Throws `WANDB_KEY_MISSING` or `INVALID_OPTION`. */
export function connectionOf(options: WandbConnectionOptions): WandbConnection {
  const baseUrl = baseUrlOf(options.baseUrl ?? variable(options, 'WANDB_BASE_URL') ?? 'https://api.wandb.ai')
  const apiKey =
    options.apiKey ??
    variable(options, 'WANDB_API_KEY') ??
    netrcKey(baseUrl.hostname, options.environment ?? process.env)
  if (apiKey === undefined || !/^[\w.~+/=-]+$/.test(apiKey))
    throw new EvolmmError(
      'WANDB_KEY_MISSING',
      `W&B: must have an API key to upload, got ${apiKey === undefined ? 'none' : 'a text that cannot be one'}; set WANDB_API_KEY, run wandb login, or use the mode offline and evolmm sync later`,
    )
  return {
    apiKey,
    baseUrl,
    entity: entityOf(options),
    requestTimeout: checkNumber('requestTimeout', options.requestTimeout ?? 30_000, { above: 0 }),
    retryDelay: checkNumber('retryDelay', options.retryDelay ?? 1000, { above: 0 }),
    fetch: options.fetch ?? fetch,
    onWarning: quietly(options.onWarning ?? emitWarning),
  }
}

export function modeOf(options: WandbOptions): WandbMode {
  const given = options.mode ?? variable(options, 'WANDB_MODE') ?? wandbModes[0]
  // An older name.
  return checkOneOf('wandb mode', given === 'dryrun' ? 'offline' : given, wandbModes)
}

export interface WandbRunOptions {
  project: string
  name: string | undefined
  runId: string | undefined
  resume: WandbResume
  directory: string | undefined
  imagesEvery: number
  uploadInterval: number
  finishTimeout: number
}

export function runOptionsOf(options: WandbOptions): WandbRunOptions {
  const runId = options.runId ?? variable(options, 'WANDB_RUN_ID')
  if (runId !== undefined && !/^[\w.-]{1,128}$/.test(runId))
    throw new EvolmmError(
      'INVALID_OPTION',
      `wandb run id: must be letters, digits, "_", "-" and ".", got ${JSON.stringify(runId)}; choose such an id`,
    )
  const resume = options.resume ?? variable(options, 'WANDB_RESUME') ?? 'allow'
  return {
    project: options.project ?? variable(options, 'WANDB_PROJECT') ?? releasedProject,
    name: options.name ?? variable(options, 'WANDB_NAME'),
    runId,
    // "auto" and "true" continue the latest run, which is what the folder of a run remembers anyway.
    resume: checkOneOf('wandb resume', /^(auto|true|1)$/i.test(resume) ? 'allow' : resume, [
      'allow',
      'must',
      'never',
    ]),
    directory: options.folder ?? variable(options, 'WANDB_DIR'),
    imagesEvery: checkInteger('imagesEvery', options.imagesEvery ?? defaultImagesEvery, { min: 0 }),
    uploadInterval: checkNumber('uploadInterval', options.uploadInterval ?? 5000, { min: 0 }),
    finishTimeout: checkNumber('finishTimeout', options.finishTimeout ?? 30_000, { min: 0 }),
  }
}

export function entityOf(options: WandbConnectionOptions): string | undefined {
  return options.entity ?? variable(options, 'WANDB_ENTITY')
}

/** An empty variable is none. */
function variable({ environment = process.env }: WandbConnectionOptions, name: string): string | undefined {
  const value = environment[name]
  return value === '' ? undefined : value
}

/** A listener that throws must not stop an upload. */
function quietly(listener: WarningListener): WarningListener {
  return (message, code) => {
    try {
      listener(message, code)
    } catch {
      // There is nobody left to tell.
    }
  }
}

function baseUrlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new EvolmmError(
      'INVALID_OPTION',
      'wandb base URL: must be an http(s) address without a user, got something else; correct WANDB_BASE_URL',
    )
  return url
}
