/** What the functions of this package share: their options, and what these mean together with the environment. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { checkInteger, checkNames, checkOneOf, checkText } from '@evolmm/internal'
import { emitWarning, readSmallText, type Sleep, type WarningListener } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import type { FileSelection } from './file-selection'

export interface HubProgress {
  /** Path in the repository. */
  file: string
  /** Bytes of this file that are on disk, and that it has. */
  received: number
  size: number
  /** The same over all selected files, cached ones included. */
  allReceived: number
  allSize: number
}

/** An option that is given wins over its environment variable, which is read at each call. */
export interface HubOptions extends FileSelection {
  /** @default 'model' */
  repoType?: 'model' | 'dataset' | undefined
  /** Branch, tag, pull request (`refs/pr/1`) or commit. @default 'main' */
  revision?: string | undefined
  /** Folder of everything that follows. @default HF_HOME, else `huggingface` in XDG_CACHE_HOME or ~/.cache */
  home?: string | undefined
  /** @default HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, else `hub` in `home` */
  cacheFolder?: string | undefined
  /** Sent to `endpoint` only; false sends none. @default HF_TOKEN, HUGGING_FACE_HUB_TOKEN, else the file `tokenPath` */
  token?: string | false | undefined
  /** @default HF_TOKEN_PATH, else `token` in `home` */
  tokenPath?: string | undefined
  /** @default HF_ENDPOINT, else https://huggingface.co */
  endpoint?: string | undefined
  /** Answer from the cache or not at all. @default HF_HUB_OFFLINE */
  offline?: boolean | undefined
  /** Files downloaded at once. @default 4 */
  concurrency?: number | undefined
  /** Failures in a row, without a new byte, after which a request is given up. @default 5 */
  retries?: number | undefined
  /** Milliseconds without a byte after which a connection counts as dropped. @default 30,000 */
  timeout?: number | undefined
  /** Stops the download, which a later call resumes. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: HubProgress) => void) | undefined
  /** The function is told that the last known answer stands, since the hub gave none. @default a Node process warning */
  onWarning?: WarningListener | undefined
  /** @default the global one */
  fetch?: typeof globalThis.fetch | undefined
  /** Waits between attempts, in milliseconds. @default a timer */
  sleep?: Sleep | undefined
  /** @default process.env */
  environment?: Readonly<Record<string, string | undefined>> | undefined
}

/** The names of options that say how the hub is asked. */
export const askingNames = {
  home: true,
  cacheFolder: true,
  token: true,
  tokenPath: true,
  endpoint: true,
  offline: true,
  concurrency: true,
  retries: true,
  timeout: true,
  signal: true,
  onProgress: true,
  onWarning: true,
  fetch: true,
  sleep: true,
  environment: true,
  revision: true,
} as const

/** The names of all options, by which unknown ones are found. */
export const hubOptionNames = {
  ...askingNames,
  repoType: true,
  allow: true,
  ignore: true,
  require: true,
} as const

/** The options with every blank filled in. */
export interface HubSettings {
  repoType: 'model' | 'dataset'
  cacheFolder: string
  token: string | undefined
  endpoint: string
  offline: boolean
  concurrency: number
  retries: number
  timeout: number
  signal: AbortSignal | undefined
  onProgress: (progress: HubProgress) => void
  onWarning: WarningListener
  fetch: typeof globalThis.fetch
  sleep: Sleep | undefined
}

/** The cache folder under these options and the environment. */
export function hubCacheFolder(
  options: Pick<HubOptions, 'home' | 'cacheFolder' | 'environment'> = {},
): string {
  checkNames('hubCacheFolder', options, { home: true, cacheFolder: true, environment: true })
  const read = reader(options)
  const folder = options.cacheFolder ?? read('HF_HUB_CACHE') ?? read('HUGGINGFACE_HUB_CACHE')
  return absolute('cacheFolder', folder ?? join(homeFolder(options), 'hub'))
}

function homeFolder(options: Pick<HubOptions, 'home' | 'environment'>): string {
  const read = reader(options)
  const cacheHome = read('XDG_CACHE_HOME') ?? '~/.cache'
  return absolute('home', options.home ?? read('HF_HOME') ?? join(cacheHome, 'huggingface'))
}

/** Reads a variable of the environment; an empty one counts as none. */
function reader({ environment = process.env }: Pick<HubOptions, 'environment'>) {
  return (name: string) => {
    const value = environment[name]?.trim()
    return value === '' ? undefined : value
  }
}

/** What the file of the token has; nothing where it cannot be read. */
function storedToken(file: string): Promise<string> {
  return readSmallText(file).catch((error: unknown) => {
    if (error instanceof EvolmmError) throw error
    return ''
  })
}

export async function readHubSettings(options: HubOptions): Promise<HubSettings> {
  const read = reader(options)
  const tokenPath = options.tokenPath ?? read('HF_TOKEN_PATH') ?? join(homeFolder(options), 'token')
  const token =
    options.token ??
    read('HF_TOKEN') ??
    read('HUGGING_FACE_HUB_TOKEN') ??
    (await storedToken(absolute('tokenPath', tokenPath)))
  return {
    repoType: checkOneOf('repoType', options.repoType ?? 'model', ['model', 'dataset']),
    cacheFolder: hubCacheFolder({
      home: options.home,
      cacheFolder: options.cacheFolder,
      environment: options.environment,
    }),
    token: token === false ? undefined : checkToken(token),
    endpoint: checkEndpoint(options.endpoint ?? read('HF_ENDPOINT') ?? 'https://huggingface.co'),
    offline: checkOffline(options.offline) ?? /^(1|on|yes|true)$/i.test(read('HF_HUB_OFFLINE') ?? ''),
    concurrency: checkInteger('concurrency', options.concurrency ?? 4, { min: 1 }),
    retries: checkInteger('retries', options.retries ?? 5, { min: 0 }),
    timeout: checkInteger('timeout', options.timeout ?? 30_000, { min: 1 }),
    signal: options.signal,
    onProgress: options.onProgress ?? (() => undefined),
    onWarning: options.onWarning ?? emitWarning,
    fetch: options.fetch ?? globalThis.fetch,
    sleep: options.sleep,
  }
}

function absolute(name: string, value: string): string {
  const path = checkText(name, value)
  return resolve(/^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path)
}

function checkOffline(offline: unknown): boolean | undefined {
  if (typeof offline === 'boolean' || offline === undefined) return offline
  throw new EvolmmError(
    'INVALID_OPTION',
    `offline: must be true or false, got ${typeof offline}; pass such a value`,
    {
      details: { option: 'offline', value: offline },
    },
  )
}

/** Neither message shows its value: it is, or may hold, a secret. */
function checkToken(token: string): string | undefined {
  const text = checkText('token', token).trim()
  if (!/^[\x21-\x7e]*$/.test(text))
    throw new EvolmmError(
      'INVALID_OPTION',
      'token: must be one word of printable ASCII, got other characters; copy it again from the settings page',
      { details: { option: 'token' } },
    )
  return text === '' ? undefined : text
}

function checkEndpoint(endpoint: string): string {
  checkText('endpoint', endpoint)
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw new EvolmmError(
      'INVALID_OPTION',
      'endpoint: must be an http or https address without user name, query or fragment; give one such as https://huggingface.co',
      { details: { option: 'endpoint' } },
    )
  return endpoint.replace(/\/+$/, '')
}
