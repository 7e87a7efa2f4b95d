/**
 * The three calls of a Weights & Biases server that a run needs, as its own client makes them (not an official interface):
 * the GraphQL mutation `upsertBucket`, posts to the run's file stream, and files by addresses from `createRunFiles`.
 * A call is made again after network errors, timeouts, 408, 429 and 5xx, with growing pauses; all of them may be made
 * twice without harm. Other answers throw `WANDB_REFUSED`. The key goes to the server's own origin only.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { EvolmmError } from '@evolmm/internal'
import type { WandbConnection } from './wandb-options'

export interface WandbRunPath {
  entity: string
  project: string
  run: string
}

interface UpsertedRun extends WandbRunPath {
  inserted: boolean
  historyLines: number
  outputLines: number
}

export interface FileStreamPost {
  files?: Record<string, { offset: number; content: string[] }>
  uploaded?: string[]
  complete?: boolean
  exitcode?: number
}

export interface WandbClient {
  /** Whether the server has a run of this id. */
  exists: (run: { entity: string | null; project: string; runId: string }) => Promise<boolean>
  upsert: (run: {
    entity: string | null
    project: string
    runId: string
    name: string
    config: string | null
  }) => Promise<UpsertedRun>
  post: (path: WandbRunPath, body: FileStreamPost) => Promise<void>
  /** `name` is the file's path within the run. */
  uploadFile: (path: WandbRunPath, name: string, content: Uint8Array<ArrayBuffer>) => Promise<void>
}

export interface WandbClientOptions {
  /** Ends all waiting; calls then throw its reason. */
  signal: AbortSignal
  /** Whether the process may end while a pause lasts. @default false */
  background?: boolean
  /** Failures in a row after which a call throws `WANDB_UNREACHABLE`. @default Infinity */
  retries?: number
}

const longestPause = 60_000
const failuresUntilWarning = 4

export function wandbClient(connection: WandbConnection, options: WandbClientOptions): WandbClient {
  const { baseUrl, apiKey, onWarning } = connection
  const { signal, retries = Infinity, background = false } = options
  const encoded = Buffer.from(`api:${apiKey}`).toString('base64')
  const authorization = `Basic ${encoded}`
  // A server, or whatever is between, may repeat what it was sent.
  const redact = (text: string) => text.replaceAll(encoded, '***').replaceAll(apiKey, '***')
  const address = (path: string) => new URL(path, baseUrl.href.replace(/\/*$/, '/'))
  let warned = false

  /** The body of a good answer. */
  async function send(
    url: URL,
    init: { method: string; headers: Record<string, string>; body: string | Uint8Array<ArrayBuffer> },
  ) {
    const own = url.origin === baseUrl.origin
    const headers = { ...init.headers, ...(own ? { authorization } : {}) }
    for (let failures = 0; ; failures++) {
      signal.throwIfAborted()
      const { text, problem, pause } = await attempt(url, { ...init, headers })
      if (problem === undefined) return text
      if (failures + 1 >= retries)
        throw new EvolmmError(
          'WANDB_UNREACHABLE',
          `W&B: ${url.host} must answer, got ${problem} ${failures + 1} times; upload later with evolmm sync`,
        )
      if (failures + 1 === failuresUntilWarning && !warned) {
        warned = true
        onWarning({
          code: 'WANDB_UNREACHABLE',
          message: `W&B: ${url.host} does not answer (${problem}); nothing is lost, and it is tried again`,
        })
      }
      const grown = Math.min(longestPause, connection.retryDelay * 2 ** Math.min(failures, 20))
      await delay(Math.max(pause, grown * (0.5 + Math.random() / 2)), undefined, { signal, ref: !background })
    }
  }

  interface Attempt {
    text: string
    /** Why it is worth another try. */
    problem?: string
    /** Milliseconds that the server asked for. */
    pause: number
  }

  async function attempt(url: URL, init: RequestInit): Promise<Attempt> {
    let response: Response
    let text: string
    try {
      const timeout = AbortSignal.timeout(connection.requestTimeout)
      response = await connection.fetch(url, { ...init, signal: AbortSignal.any([signal, timeout]) })
      text = await response.text()
    } catch (error) {
      signal.throwIfAborted()
      return { text: '', problem: redact(reasonOf(error)), pause: 0 }
    }
    const { status } = response
    if (response.ok) return { text, pause: 0 }
    if (status === 408 || status === 429 || status >= 500) {
      const seconds = Number(response.headers.get('retry-after') ?? 0)
      const pause = seconds > 0 ? Math.min(longestPause, seconds * 1000) : 0
      return { text, problem: `status ${status}`, pause }
    }
    throw refused(`${url.host}${url.pathname} answered ${status}: ${redact(text).slice(0, 200)}`)
  }

  async function graphql(query: string, variables: Record<string, unknown>): Promise<unknown> {
    const text = await send(address('graphql'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = parse(text) as { data?: unknown; errors?: { message?: string }[] }
    const [error] = errors ?? []
    if (errors !== undefined && errors.length > 0)
      throw refused(`the query was answered: ${redact(String(error.message)).slice(0, 200)}`)
    return data
  }

  return {
    exists: async ({ entity, project, runId }) => {
      const data = (await graphql(existsQuery, { entity, project, name: runId })) as ExistsData
      return (data?.model?.bucket ?? null) !== null
    },
    upsert: async ({ entity, project, runId, name, config }) => {
      const variables = { entity, project, name: runId, displayName: name, config }
      const data = (await graphql(upsertMutation, variables)) as UpsertData
      const bucket = data?.upsertBucket?.bucket
      const owner = bucket?.project?.entity?.name
      const shownProject = bucket?.project?.name
      if (bucket === undefined || owner === undefined || shownProject === undefined)
        throw refused('the answer to upsertBucket has no run')
      return {
        entity: owner,
        project: shownProject,
        run: bucket.name ?? runId,
        inserted: data?.upsertBucket?.inserted === true,
        historyLines: bucket.historyLineCount ?? 0,
        outputLines: bucket.logLineCount ?? 0,
      }
    },
    post: async ({ entity, project, run }, body) => {
      const path = [entity, project, run].map(encodeURIComponent).join('/')
      await send(address(`files/${path}/file_stream`), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    },
    uploadFile: async ({ entity, project, run }, name, content) => {
      const data = (await graphql(filesMutation, { entity, project, run, files: [name] })) as FilesData
      const [file] = data?.createRunFiles?.files ?? []
      const target = (file as { uploadUrl?: string } | undefined)?.uploadUrl
      if (target === undefined) throw refused(`no address to upload ${name} to`)
      const headers = (data?.createRunFiles?.uploadHeaders ?? []).map((line): [string, string] => {
        const [key, ...value] = line.split(':')
        return [key, value.join(':').trim()]
      })
      await send(address(target), { method: 'PUT', headers: Object.fromEntries(headers), body: content })
    },
  }
}

const existsQuery = `query Run($entity: String, $project: String, $name: String!) {
  model(name: $project, entityName: $entity) { bucket(name: $name, missingOk: true) { id } }
}`

const upsertMutation = `mutation UpsertBucket(
  $name: String, $project: String, $entity: String, $displayName: String, $config: JSONString
) {
  upsertBucket(input: {
    name: $name, modelName: $project, entityName: $entity, displayName: $displayName, config: $config
  }) {
    bucket { id name historyLineCount logLineCount project { name entity { name } } }
    inserted
  }
}`

const filesMutation = `mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: { entityName: $entity, projectName: $project, runName: $run, files: $files }) {
    runID
    uploadHeaders
    files { name uploadUrl }
  }
}`

type ExistsData = { model?: { bucket?: unknown } | null } | null | undefined

type UpsertData =
  | {
      upsertBucket?: {
        inserted?: boolean
        bucket?: {
          name?: string
          historyLineCount?: number | null
          logLineCount?: number | null
          project?: { name?: string; entity?: { name?: string } }
        }
      }
    }
  | null
  | undefined

type FilesData =
  | { createRunFiles?: { uploadHeaders?: string[]; files?: { name: string; uploadUrl: string }[] } }
  | null
  | undefined

function parse(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>
  } catch {
    throw refused('the answer is not JSON; check WANDB_BASE_URL')
  }
}

function refused(what: string): EvolmmError {
  return new EvolmmError('WANDB_REFUSED', `W&B: the server must accept the run, ${what}`)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message
}
