/**
 * The three calls of a Weights & Biases server that a run needs, as its own client makes them (not an official interface):
 * the GraphQL mutation `upsertBucket`, posts to the run's file stream, and files by addresses from `createRunFiles`. All
 * of them may be made twice without harm.
 */
import { isObject, parseJson } from '@evolmm/internal'
import type { WandbConnection } from './wandb-options'
import { refused, wandbTransport, type WandbTransport, type WandbTransportOptions } from './wandb-transport'

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

interface RunName {
  entity: string | null
  project: string
  runId: string
}

export interface WandbClient {
  /** `true` when the server has a run of this id. */
  exists: (run: RunName) => Promise<boolean>
  upsert: (run: RunName & { name: string; config: string | null }) => Promise<UpsertedRun>
  post: (path: WandbRunPath, body: FileStreamPost) => Promise<void>
  /** `name` is the file's path within the run. */
  uploadFile: (path: WandbRunPath, name: string, content: Uint8Array<ArrayBuffer>) => Promise<void>
}

export function wandbClient(connection: WandbConnection, options: WandbTransportOptions): WandbClient {
  const transport = wandbTransport(connection, options)
  return {
    exists: async ({ entity, project, runId }) => {
      const data = await graphql(transport, existsQuery, { entity, project, name: runId })
      return (part(data, 'model', 'bucket') ?? null) !== null
    },
    upsert: async ({ entity, project, runId, name, config }) => {
      const variables = { entity, project, name: runId, displayName: name, config }
      return upserted(await graphql(transport, upsertMutation, variables), runId)
    },
    post: async ({ entity, project, run }, body) => {
      const path = [entity, project, run].map(encodeURIComponent).join('/')
      await postJson(transport, `files/${path}/file_stream`, body)
    },
    uploadFile: async ({ entity, project, run }, name, content) => {
      const variables = { entity, project, run, files: [name] }
      const { url, headers } = uploadTarget(
        await graphql(transport, filesMutation, variables),
        name,
        transport,
      )
      await transport.send(url, { method: 'PUT', headers, body: content })
    },
  }
}

function postJson({ send, address }: WandbTransport, path: string, body: unknown): Promise<string> {
  return send(address(path), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** The data of an answer, of which nothing is known but that it is JSON. */
async function graphql(
  transport: WandbTransport,
  query: string,
  variables: Record<string, unknown>,
): Promise<unknown> {
  const answer = parse(await postJson(transport, 'graphql', { query, variables }))
  const errors = part(answer, 'errors')
  if (Array.isArray(errors) && errors.length > 0)
    throw refused(
      `the query was answered: ${transport.redact(String(part(errors[0], 'message'))).slice(0, 200)}`,
    )
  return part(answer, 'data')
}

/** What lies at the end of a path of names; `undefined` where there is none. */
function part(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value)
}

function upserted(data: unknown, runId: string): UpsertedRun {
  const bucket = part(data, 'upsertBucket', 'bucket')
  const entity = part(bucket, 'project', 'entity', 'name')
  const project = part(bucket, 'project', 'name')
  const run = part(bucket, 'name') ?? runId
  if (!isName(entity) || !isName(project) || !isName(run))
    throw refused('the answer to upsertBucket has no run')
  const count = (name: string): number => {
    const lines = part(bucket, name) ?? 0
    if (!Number.isSafeInteger(lines) || Number(lines) < 0)
      throw refused(`the answer to upsertBucket has a ${name} that is no number of lines`)
    return Number(lines)
  }
  return {
    ...{ entity, project, run },
    inserted: part(data, 'upsertBucket', 'inserted') === true,
    historyLines: count('historyLineCount'),
    outputLines: count('logLineCount'),
  }
}

/** Half a pair of surrogates has no place in an address. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/\p{Surrogate}/u.test(value)
}

function uploadTarget(
  data: unknown,
  name: string,
  { address }: WandbTransport,
): { url: URL; headers: Record<string, string> } {
  const files = part(data, 'createRunFiles', 'files')
  const target = Array.isArray(files) ? part(files[0], 'uploadUrl') : undefined
  const lines = part(data, 'createRunFiles', 'uploadHeaders') ?? []
  const none = (): never => {
    throw refused(`no address to upload ${name} to`)
  }
  if (typeof target !== 'string' || !Array.isArray(lines)) return none()
  try {
    const headers = new Headers(
      lines.map((line): [string, string] => {
        const [key, ...value] = String(line).split(':')
        return [key, value.join(':').trim()]
      }),
    )
    return { url: address(target), headers: Object.fromEntries(headers) }
  } catch {
    return none()
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

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    throw refused('the answer is not JSON; check WANDB_BASE_URL')
  }
}
