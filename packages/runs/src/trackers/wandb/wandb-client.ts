/**
 * The three calls of a Weights & Biases server that a run needs, as its own client makes them (not an official interface):
 * the GraphQL mutation `upsertBucket`, posts to the run's file stream, and files by addresses from `createRunFiles`. All
 * of them may be made twice without harm.
 */
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
      const data = (await graphql(transport, existsQuery, { entity, project, name: runId })) as ExistsData
      return (data?.model?.bucket ?? null) !== null
    },
    upsert: async ({ entity, project, runId, name, config }) => {
      const variables = { entity, project, name: runId, displayName: name, config }
      return upserted((await graphql(transport, upsertMutation, variables)) as UpsertData, runId)
    },
    post: async ({ entity, project, run }, body) => {
      const path = [entity, project, run].map(encodeURIComponent).join('/')
      await postJson(transport, `files/${path}/file_stream`, body)
    },
    uploadFile: async ({ entity, project, run }, name, content) => {
      const variables = { entity, project, run, files: [name] }
      const { address, headers } = uploadTarget(
        (await graphql(transport, filesMutation, variables)) as FilesData,
        name,
      )
      await transport.send(transport.address(address), { method: 'PUT', headers, body: content })
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

async function graphql(
  transport: WandbTransport,
  query: string,
  variables: Record<string, unknown>,
): Promise<unknown> {
  const text = await postJson(transport, 'graphql', { query, variables })
  const { data, errors = [] } = parse(text) as { data?: unknown; errors?: { message?: string }[] }
  if (errors.length > 0)
    throw refused(`the query was answered: ${transport.redact(String(errors[0].message)).slice(0, 200)}`)
  return data
}

function upserted(data: UpsertData, runId: string): UpsertedRun {
  const bucket = data?.upsertBucket?.bucket
  const entity = bucket?.project?.entity?.name
  const project = bucket?.project?.name
  if (bucket === undefined || entity === undefined || project === undefined)
    throw refused('the answer to upsertBucket has no run')
  return {
    entity,
    project,
    run: bucket.name ?? runId,
    inserted: data?.upsertBucket?.inserted === true,
    historyLines: bucket.historyLineCount ?? 0,
    outputLines: bucket.logLineCount ?? 0,
  }
}

function uploadTarget(data: FilesData, name: string): { address: string; headers: Record<string, string> } {
  const [file] = data?.createRunFiles?.files ?? []
  const address = (file as { uploadUrl?: string } | undefined)?.uploadUrl
  if (address === undefined) throw refused(`no address to upload ${name} to`)
  const headers = (data?.createRunFiles?.uploadHeaders ?? []).map((line): [string, string] => {
    const [key, ...value] = line.split(':')
    return [key, value.join(':').trim()]
  })
  return { address, headers: Object.fromEntries(headers) }
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
