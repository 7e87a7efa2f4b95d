/**
 * A stand-in for the hub and its storage: two servers on two origins. Follows what huggingface_hub 1.23 expects of the
 * real ones (API, headers, error codes); `misbehave` replaces single answers.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

interface Request {
  host: 'hub' | 'storage'
  method: string
  /** Decoded, with query. */
  path: string
  range: string | undefined
  ifRange: string | undefined
  authorization: string | undefined
}

export interface FakeRepo {
  id: string
  commit: string
  type?: 'models' | 'datasets'
  branches?: string[]
  files: Record<string, string | Buffer>
  /** Names of files kept in storage. @default those that end in .safetensors */
  large?: (name: string) => boolean
  /** Changes the answer of the listing. */
  listing?: (answer: Listing) => unknown
}

interface Listing {
  sha: string
  siblings: { rfilename: string; size?: number; blobId?: string; lfs?: { sha256: string; size: number } }[]
}

/** Answers a request in another way; returns false to let the usual answer be given. */
export type Misbehaviour = (request: Request, response: ServerResponse, usual: Usual) => boolean

/** What would be sent, and a way to send only some of it before the connection breaks. */
interface Usual extends Reply {
  /** Place of the body's first byte in the content. */
  start: number
  cutAfter: (bytes: number) => void
}

interface Reply {
  body: Buffer
  headers: Record<string, string | number>
  status: number
}

/**
 * `taken` tells whether the client has used the content up to a place. A connection that is cut waits for that: what lies
 * unread in the client then is lost, and how much that is depends on how busy the machine is.
 */
export async function serveHub(
  repo: FakeRepo,
  misbehave: Misbehaviour = () => false,
  taken: (place: number) => boolean = () => true,
) {
  const requests: Request[] = []
  const {
    commit,
    type = 'models',
    branches = ['main'],
    large = (name: string) => name.endsWith('.safetensors'),
  } = repo
  const contents = () => Object.entries(repo.files).map(([name, data]) => ({ name, data: Buffer.from(data) }))

  function hubAnswer(path: string): Reply {
    const nothing = Buffer.alloc(0)
    const missing = (code: string) => ({ status: 404, headers: { 'x-error-code': code }, body: nothing })
    const api = `/api/${type}/${repo.id}/revision/`
    const resolve = `${type === 'datasets' ? '/datasets' : ''}/${repo.id}/resolve/`
    const files = [commit, ...branches]
      .map((name) => `${resolve}${name}/`)
      .find((start) => path.startsWith(start))
    if (path.startsWith(api)) {
      const revision = decodeURIComponent(path.slice(api.length).split('?')[0])
      if (![...branches, commit].includes(revision)) return missing('RevisionNotFound')
      const siblings = contents().map(({ name, data }) => ({
        rfilename: name,
        size: data.length,
        blobId: gitHash(data),
        ...(large(name) && { lfs: { sha256: sha256(data), size: data.length, pointerSize: 134 } }),
      }))
      const answer = repo.listing ? repo.listing({ sha: commit, siblings }) : { sha: commit, siblings }
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(answer)),
      }
    }
    if (files === undefined) return missing('RepoNotFound')
    const file = contents().find(({ name }) => name === decodeURIComponent(path.slice(files.length)))
    if (!file) return missing('EntryNotFound')
    const etag = large(file.name) ? sha256(file.data) : gitHash(file.data)
    if (!large(file.name))
      return { status: 200, headers: { 'x-repo-commit': commit, etag: `"${etag}"` }, body: file.data }
    const location = `${storage.origin}/${encodeURIComponent(file.name)}?X-Amz-Signature=s3cr3t`
    const linked = { 'x-linked-etag': `"${etag}"`, 'x-linked-size': String(file.data.length) }
    return { status: 302, headers: { 'x-repo-commit': commit, location, ...linked }, body: nothing }
  }

  function storageAnswer(path: string): Reply {
    const name = decodeURIComponent(path.slice(1).split('?')[0])
    const { data } = contents().find((file) => file.name === name) ?? { data: Buffer.alloc(0) }
    // Storage has etags of its own, which are not the hub's.
    return { status: 200, headers: { etag: `"stored-${sha256(data).slice(0, 8)}"` }, body: data }
  }

  const listen = (host: Request['host'], answer: (path: string) => Reply) =>
    start((incoming, response) => {
      const { method = '', url = '', headers } = incoming
      const request = {
        host,
        method,
        path: url,
        range: headers.range,
        ifRange: headers['if-range'] as string | undefined,
        authorization: headers.authorization,
      }
      requests.push(request)
      const usual = ranged(answer(url), request)
      const cutAfter = (bytes: number) => {
        response.writeHead(usual.status, { ...usual.headers, 'content-length': usual.body.length })
        const place = bytes === 0 ? 0 : usual.start + bytes
        response.write(usual.body.subarray(0, bytes), () => {
          breakOff(response, () => taken(place))
        })
      }
      if (misbehave(request, response, { ...usual, cutAfter })) return
      response.writeHead(usual.status, { ...usual.headers, 'content-length': usual.body.length })
      response.end(method === 'HEAD' ? undefined : usual.body)
    })
  const storage = await listen('storage', storageAnswer)
  const hub = await listen('hub', hubAnswer)
  return {
    endpoint: hub.origin,
    requests,
    /** Requests for the content of a file, wherever it is kept. */
    transfers: (name: string) =>
      requests.filter(
        ({ host, method, path }) =>
          method === 'GET' &&
          decodeURIComponent(path).includes(name) &&
          (large(name) ? host === 'storage' : path.includes('/resolve/')),
      ),
    close: async () => {
      await Promise.all([hub.close(), storage.close()])
    },
  }
}

/** Breaks a connection, no sooner than that is so. */
export function breakOff(response: ServerResponse, taken: () => boolean): void {
  const timer = setInterval(() => {
    if (taken()) response.destroy()
  }, 30)
  response.on('close', () => {
    clearInterval(timer)
  })
}

function ranged(answer: Reply, { range, ifRange }: Request): Omit<Usual, 'cutAfter'> {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1])
  const { body, headers, status } = answer
  if (status !== 200 || Number.isNaN(from) || (ifRange !== undefined && ifRange !== headers.etag))
    return { ...answer, start: 0 }
  if (from >= body.length) return { status: 416, headers: {}, body: Buffer.alloc(0), start: 0 }
  const contentRange = `bytes ${from}-${body.length - 1}/${body.length}`
  return {
    status: 206,
    headers: { ...headers, 'content-range': contentRange },
    body: body.subarray(from),
    start: from,
  }
}

async function start(handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handler)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => {
        done()
      })
      server.closeAllConnections()
    })
  onTestFinished(close)
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

export function gitHash(data: string | Buffer): string {
  return createHash('sha1')
    .update(`blob ${Buffer.byteLength(data)}\0`)
    .update(data)
    .digest('hex')
}

export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

/** An empty folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-hub-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** The options of `@evolmm/hub` with which nothing of this machine matters and no pause takes time. */
export function isolated<const T extends object>(options: T) {
  return {
    environment: {},
    home: temporaryFolder(),
    sleep: () => new Promise((done) => setTimeout(done, 1)),
    ...options,
  }
}

/** Bytes that differ everywhere, the same in each run. */
export function bytes(length: number, seed = 1): Buffer {
  const data = Buffer.alloc(length)
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    data[i] = state >>> 24
  }
  return data
}
