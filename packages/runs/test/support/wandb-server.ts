/**
 * A W&B server as far as runs need one. By `faults` it answers now and then with 500 or 429, or drops the connection,
 * before or after it has done what it was asked for. Keeps each line at the place that it was sent to.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const apiKey = '0123456789abcdef0123456789abcdef01234567'

export interface ServerRun {
  /** The lines by their place. */
  history: (string | undefined)[]
  output: (string | undefined)[]
  summary: string | undefined
  config: string | undefined
  displayName: string | undefined
  /** The number of times that it was sent; again if the answer did not arrive, for instance. */
  configs: number
  uploads: Map<string, Buffer>
  uploaded: string[]
  exitCode: number | undefined
}

export interface WandbServer {
  url: string
  runs: Map<string, ServerRun>
  /** The number of requests by kind. */
  counts: Record<'graphql' | 'post' | 'put' | 'fault', number>
  /** A line that was sent to a place where another one is. */
  conflicts: string[]
  /** Requests to it with a wrong or no key. */
  strangers: number
  close: () => Promise<void>
}

export interface WandbServerOptions {
  /** A number from 0 to 1 for each draw; below 0.15 the request fails before it is done, below 0.3 after. */
  faults?: () => number
  /** Answers 403 to the file stream. */
  refuse?: () => boolean
}

export function emptyRun(): ServerRun {
  return {
    history: [],
    output: [],
    summary: undefined,
    config: undefined,
    displayName: undefined,
    configs: 0,
    uploads: new Map(),
    uploaded: [],
    exitCode: undefined,
  }
}

export async function wandbServer(options: WandbServerOptions = {}): Promise<WandbServer> {
  const { faults = () => 1, refuse = () => false } = options
  const runs: WandbServer['runs'] = new Map()
  const counts = { graphql: 0, post: 0, put: 0, fault: 0 }
  const conflicts: string[] = []
  const state = { strangers: 0 }

  function fail(response: ServerResponse, draw: number): void {
    counts.fault++
    if (draw % 0.03 < 0.01) response.writeHead(500).end('boom')
    else if (draw % 0.03 < 0.02) response.writeHead(429, { 'retry-after': '0' }).end()
    else response.socket?.destroy()
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const draw = faults()
    if (draw < 0.15) {
      fail(response, draw)
      return
    }
    const expected = `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`
    const given = String(request.headers.authorization)
    if (given !== expected) {
      state.strangers++
      response
        .writeHead(401)
        .end(`no such key: ${given}, ${Buffer.from(given.replace('Basic ', ''), 'base64').toString()}`)
      return
    }
    const { status = 200, ...answer } = answerTo(request, body)
    if (draw < 0.3) fail(response, draw)
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }

  function answerTo(
    { method, url = '' }: IncomingMessage,
    body: Buffer,
  ): { status?: number; data?: unknown } {
    if (method === 'PUT') {
      counts.put++
      const [, , run, ...name] = url.split('/')
      runs.get(run)?.uploads.set(name.join('/'), body)
      return {}
    }
    if (url === '/graphql') {
      counts.graphql++
      return { data: resolve(JSON.parse(body.toString()) as Query) }
    }
    counts.post++
    const [, , , , run] = url.split('/')
    if (!/^\/files\/team\/sqlm\/[\w-]+\/file_stream$/.test(url)) return { status: 404 }
    if (refuse()) return { status: 403 }
    store(runs.get(run) ?? emptyRun(), JSON.parse(body.toString()) as Post)
    return {}
  }

  interface Query {
    query: string
    variables: Record<string, string | null> & { files?: string[] }
  }

  function resolve({ query, variables }: Query): unknown {
    const { name = '', run: runName = '' } = variables
    if (query.startsWith('query')) return { model: { bucket: runs.has(name ?? '') ? { id: '1' } : null } }
    if (query.includes('createRunFiles')) {
      const [file] = variables.files ?? []
      return {
        createRunFiles: {
          runID: runName,
          uploadHeaders: ['X-Test: a:b'],
          files: [{ name: file, uploadUrl: `/storage/${runName}/${file}` }],
        },
      }
    }
    const inserted = !runs.has(name ?? '')
    const run = runs.get(name ?? '') ?? emptyRun()
    runs.set(name ?? '', run)
    run.displayName = variables.displayName ?? undefined
    if (variables.config !== null) {
      run.config = variables.config
      run.configs++
    }
    return {
      upsertBucket: {
        inserted,
        bucket: {
          name,
          historyLineCount: run.history.length,
          logLineCount: run.output.length,
          project: { name: variables.project, entity: { name: variables.entity ?? 'team' } },
        },
      },
    }
  }

  interface Post {
    files?: Record<string, { offset: number; content: string[] }>
    uploaded?: string[]
    complete?: boolean
    exitcode?: number
  }

  function store(run: ServerRun, { files = {}, uploaded = [], complete, exitcode }: Post): void {
    for (const [name, { offset, content }] of Object.entries(files)) {
      if (name === 'wandb-summary.json') run.summary = content.at(-1)
      const lines = name === 'wandb-history.jsonl' ? run.history : name === 'output.log' ? run.output : []
      for (const [i, line] of content.entries()) {
        const there = lines.at(offset + i)
        if (offset + i < lines.length && there !== line) conflicts.push(`${name} ${offset + i}`)
        lines[offset + i] = line
      }
    }
    run.uploaded.push(...uploaded)
    if (complete === true) run.exitCode = exitcode
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    runs,
    counts,
    conflicts,
    get strangers() {
      return state.strangers
    },
    close: () =>
      new Promise((done) => {
        server.close(() => {
          done()
        })
        server.closeAllConnections()
      }),
  }
}
