/** Answers of servers, and what is kept of them. */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openAiJudge } from '../../../packages/eval/src/index'
import { resolveRepo } from '../../../packages/hub/src/index'
import { syncWandb } from '../../../packages/runs/src/index'
import { netrcKey } from '../../../packages/runs/src/trackers/wandb/netrc-key'
import { asFile, given, type FuzzedReader } from './reader'

const commit = 'a'.repeat(40)

const hub = {
  ...({ token: false, environment: {}, retries: 1 } as const),
  ...{ sleep: () => Promise.resolve(), onWarning: () => undefined },
}

function answering(body: (url: string) => Uint8Array | string, headers = {}): typeof globalThis.fetch {
  return (url) => {
    const content = body(url instanceof Request ? url.url : url.toString())
    return Promise.resolve(new Response(Buffer.from(content), { headers }))
  }
}

/** A file whose headers, and whose status among them, a text names; what no header can be is left out. */
function answerWith(lines: string): Response {
  const headers = new Headers()
  for (const line of lines.split('\n'))
    try {
      headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim())
    } catch {
      // A server cannot send it either.
    }
  const status = Number(headers.get('status') ?? 200)
  const known = Number.isInteger(status) && status >= 200 && status < 600 ? status : 200
  return new Response([204, 205, 304].includes(known) ? null : '{}', { status: known, headers })
}

const wandbState = (more: object): string =>
  JSON.stringify({
    ...{
      schema_version: 1,
      entity: 'me',
      project: 'p',
      run_id: 'r1',
      name: 'n',
      directory: 'wandb/evolmm-r1',
    },
    ...{ started: 1, sent: 0, output_base: 0, history_base: 0, resume_checked: true, completed: false },
    ...{ exit_code: null, config: { lr: 1 } },
    ...more,
  })

const wandbLine =
  '{"history":{"_step":1,"_timestamp":1.5,"loss":0.5},"output":"1","media":["media/images/1.png"]}\n{"history":{"_step":2,"loss":0.25},"output":"2","media":[]}\n'

/** One answer to every question of the run, of which each takes its part. */
const wandbAnswer = JSON.stringify({
  data: {
    upsertBucket: {
      bucket: {
        ...{ id: 'b', name: 'r1', historyLineCount: 0, logLineCount: 0 },
        project: { name: 'p', entity: { name: 'me' } },
      },
      inserted: true,
    },
    createRunFiles: {
      ...{ runID: 'r1', uploadHeaders: ['x-a:b'] },
      files: [{ name: 'media/images/1.png', uploadUrl: 'https://storage.example/a?b=c' }],
    },
  },
})

/** A run with a journal of two lines and a picture, as it is before anything of it is uploaded. */
function makeWandbRun(
  folder: string,
  {
    journal = wandbLine,
    state = wandbState({}),
  }: { journal?: Uint8Array | string; state?: Uint8Array | string },
): void {
  const home = join(folder, 'wandb/evolmm-r1')
  mkdirSync(join(home, 'media/images'), { recursive: true })
  writeFileSync(join(home, 'media/images/1.png'), 'picture')
  writeFileSync(join(home, 'journal.jsonl'), journal)
  writeFileSync(join(folder, 'wandb.json'), state)
}

function sync(folder: string, answer: Uint8Array | string = wandbAnswer): Promise<unknown> {
  return syncWandb(folder, {
    ...{ apiKey: 'k', environment: {}, retries: 1, retryDelay: 1, onWarning: () => undefined },
    fetch: answering(() => answer),
  })
}

export const serviceReaders: readonly FuzzedReader[] = [
  {
    ...{ name: 'listing of the hub', text: true },
    corpus: given(
      `{"sha":"${commit}","siblings":[{"rfilename":"config.json","size":2,"blobId":"${gitHash('{}')}"},{"rfilename":"model.safetensors","size":2,"blobId":"${'b'.repeat(40)}","lfs":{"sha256":"${sha256('{}')}","size":2}}]}`,
    ),
    read: async (input, folder) => {
      // What was fetched once would be found again, whatever is listed.
      rmSync(folder, { recursive: true, force: true })
      // The content of every file is that of an empty object.
      const fetch = answering((url) => (url.includes('/api/') ? input : '{}'), { 'x-repo-commit': commit })
      await resolveRepo('owner/name', { ...hub, fetch, cacheFolder: folder })
    },
  },
  {
    ...{ name: 'headers of the hub', text: true },
    corpus: given(
      `x-repo-commit: ${commit}\netag: "${gitHash('{}')}"\nx-linked-etag: "${gitHash('{}')}"\nx-linked-size: 2\ncontent-length: 2\nretry-after: 1\n`,
      `status: 206\ncontent-range: bytes 0-1/2\netag: "${gitHash('{}')}"\n`,
      'status: 302\nlocation: https://storage.example/a?b=c\n',
      'status: 429\nretry-after: 1\nx-error-code: RepoNotFound\nx-error-message: wait\n',
    ),
    read: async (input, folder) => {
      rmSync(folder, { recursive: true, force: true })
      let asked = 0
      const listing = `{"sha":"${commit}","siblings":[{"rfilename":"config.json","size":2,"blobId":"${gitHash('{}')}"}]}`
      const fetch: typeof globalThis.fetch = (url) => {
        if ((url instanceof Request ? url.url : url.toString()).includes('/api/'))
          return Promise.resolve(new Response(listing))
        // Where a redirect leads, and another try, there is the file.
        return Promise.resolve(asked++ === 0 ? answerWith(Buffer.from(input).toString()) : new Response('{}'))
      }
      await resolveRepo('owner/name', { ...hub, fetch, cacheFolder: folder, allow: ['config.json'] })
    },
  },
  {
    ...{ name: 'cached listing of the hub', text: true },
    corpus: given(
      `{"format_version":1,"files":{"config.json":{"size":2,"blob_id":"${gitHash('{}')}"},"model.safetensors":{"size":2,"blob_id":"${'b'.repeat(40)}","lfs_sha256":"${sha256('{}')}","lfs_size":2}}}`,
    ),
    read: asFile(
      `models--owner--name/trees/${commit}.json`,
      (_, cacheFolder) => resolveRepo('owner/name', { ...hub, cacheFolder, offline: true }),
      (folder) => {
        const home = join(folder, 'models--owner--name')
        for (const name of ['refs', `snapshots/${commit}`]) mkdirSync(join(home, name), { recursive: true })
        writeFileSync(join(home, 'refs/main'), commit)
        for (const name of ['config.json', 'model.safetensors'])
          writeFileSync(join(home, 'snapshots', commit, name), '{}')
      },
    ),
  },
  {
    ...{ name: 'answers of W&B', text: true },
    corpus: given(wandbAnswer),
    read: async (input, folder) => {
      mkdirSync(folder, { recursive: true })
      makeWandbRun(folder, { state: wandbState({ history_base: null }) })
      await sync(folder, input)
    },
  },
  {
    ...{ name: 'journal for W&B', text: true },
    corpus: given(wandbLine),
    read: async (input, folder) => {
      mkdirSync(folder, { recursive: true })
      makeWandbRun(folder, { journal: input })
      await sync(folder)
    },
  },
  {
    ...{ name: 'wandb.json', text: true },
    corpus: given(wandbState({}), wandbState({ history_base: null, exit_code: 0 })),
    read: async (input, folder) => {
      mkdirSync(folder, { recursive: true })
      makeWandbRun(folder, { state: input })
      await sync(folder)
    },
  },
  {
    ...{ name: 'netrc', text: true },
    corpus: given(
      '# mine\nmachine api.wandb.ai\n  login user\n  password secret\ndefault login a password b\n',
    ),
    read: asFile('netrc', (file) => Promise.resolve(netrcKey('api.wandb.ai', { NETRC: file }))),
  },
  {
    ...{ name: 'replies of a judge', text: true },
    corpus: given(
      '{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"1"},"finish_reason":"stop"}]}',
    ),
    read: async (input) => {
      const judge = openAiJudge({ fetch: answering(() => input), tries: 1 })
      await judge.ask({ user: 'Is it right?', maxTokens: 1 })
    },
  },
  {
    ...{ name: 'remembered replies', text: true },
    corpus: given(`{"key":"${sha256('x')}","reply":"1"}\n{"key":"${sha256('y')}","reply":"0"}\n`),
    read: asFile('x.jsonl', async (cacheFile) => {
      const fetch = answering(() => '{"choices":[{"message":{"content":"1"}}]}')
      await openAiJudge({ fetch, tries: 1, cacheFile }).ask({ user: 'Is it right?', maxTokens: 1 })
    }),
  },
]

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function gitHash(text: string): string {
  return createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex')
}
