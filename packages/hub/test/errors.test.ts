import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { downloadSnapshot } from '../src/download-snapshot'
import type { HubOptions } from '../src/hub-options'
import { resolveRepo } from '../src/resolve-repo'
import { bytes, isolated, serveHub, type FakeRepo, type Misbehaviour } from '@evolmm/internal/testing'

const commit = 'c'.repeat(40)
const content: FakeRepo = {
  id: 'org/model',
  commit,
  files: { 'config.json': '{}', 'model.safetensors': bytes(1000) },
}
const token = 'hf_thisMustNeverBeSeen'

/** Everything that a program or a log could show of an error. */
function shownOf(error: Error): string {
  return [
    inspect(error, { depth: 20, showHidden: true }),
    JSON.stringify(error),
    error.stack,
    String(error.cause),
  ].join('\n')
}

async function failure(misbehave: Misbehaviour, options: HubOptions = {}) {
  const hub = await serveHub(content, misbehave)
  const error = await downloadSnapshot(
    'org/model',
    isolated({ endpoint: hub.endpoint, retries: 0, ...options }),
  ).then(
    () => expect.fail('must be refused'),
    (reason: unknown) => reason as Error & { code: string; details: Record<string, unknown> },
  )
  expect(error).toMatchObject({ name: 'EvolmmError' })
  expect(error.message).not.toContain('\n')
  expect(shownOf(error)).not.toContain(token)
  expect(shownOf(error)).not.toContain('s3cr3t')
  return { ...hub, error, message: error.message.replaceAll(hub.endpoint, 'HUB') }
}

const answers =
  (status: number, headers: Record<string, string> = {}): Misbehaviour =>
  (_, response) => {
    response.writeHead(status, { 'x-request-id': 'Root=1', ...headers }).end()
    return true
  }

test.each([
  [
    401,
    {},
    undefined,
    'HUB_UNAUTHORIZED',
    'org/model: needs a valid token, got no token; set HF_TOKEN, pass the token option or run `hf auth login`',
  ],
  [
    401,
    {},
    token,
    'HUB_UNAUTHORIZED',
    'org/model: needs a valid token, got a token that is not enough; set HF_TOKEN, pass the token option or run `hf auth login`',
  ],
  [
    401,
    { 'x-error-code': 'RepoNotFound' },
    undefined,
    'HUB_REPO_NOT_FOUND',
    'org/model: must be a model at HUB, got 401 with no token; check the name, or set HF_TOKEN, pass the token option or run `hf auth login` if it is private',
  ],
  [
    401,
    { 'x-error-code': 'GatedRepo' },
    undefined,
    'HUB_GATED',
    'org/model: must be unlocked, got no token; accept its terms at HUB/org/model, then set HF_TOKEN, pass the token option or run `hf auth login`',
  ],
  [
    403,
    { 'x-error-code': 'GatedRepo' },
    token,
    'HUB_GATED',
    'org/model: must be unlocked, got a token that is not enough; accept its terms at HUB/org/model, then set HF_TOKEN, pass the token option or run `hf auth login`',
  ],
  [
    403,
    {},
    token,
    'HUB_FORBIDDEN',
    'org/model: must be open to you, got 403 with a token that is not enough; give the token read access, or ask at HUB/org/model',
  ],
  [
    404,
    { 'x-error-code': 'RepoNotFound' },
    undefined,
    'HUB_REPO_NOT_FOUND',
    'org/model: must be a model at HUB, got 404 with no token; check the name, or set HF_TOKEN, pass the token option or run `hf auth login` if it is private',
  ],
  [
    404,
    { 'x-error-code': 'RevisionNotFound' },
    undefined,
    'HUB_REVISION_NOT_FOUND',
    'org/model: must have the revision main, got 404; see HUB/org/model/tree/main',
  ],
  [
    429,
    { 'retry-after': '12' },
    undefined,
    'HUB_RATE_LIMITED',
    'org/model: must be asked for less often, got 429; try again in 12 s, or pass a token',
  ],
  [
    503,
    {},
    undefined,
    'HUB_SERVER_ERROR',
    /^org\/model: must be served, got 503 from 127\.0\.0\.1:\d+; try again later$/,
  ],
  [418, {}, undefined, 'HUB_REQUEST_FAILED', 'org/model: must be served, got 418; check the endpoint HUB'],
])('%i with %o becomes one line (token: %s)', async (status, headers, secret, code, line) => {
  const { error, message, endpoint } = await failure(answers(status, headers), {
    token: secret,
  })
  expect(error.code).toBe(code)
  if (typeof line === 'string') expect(message).toBe(line)
  else expect(message).toMatch(line)
  expect(error.details).toMatchObject({
    id: 'org/model',
    revision: 'main',
    status,
    requestId: 'Root=1',
    url: `${endpoint}/api/models/org/model/revision/main`,
  })
})

test('a listed file that is gone is named', async () => {
  const { error, message } = await failure(({ path }, response) => {
    if (!path.includes('/resolve/')) return false
    response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
    return true
  })
  expect(error.code).toBe('HUB_FILE_NOT_FOUND')
  expect(message).toMatch(
    /^org\/model: (config\.json|model\.safetensors): must exist at c{40}, got 404; see HUB\/org\/model\/tree\/c{40}$/,
  )
})

test('a repository without the required files is named as such', async () => {
  const { error, message } = await failure(() => false, { require: ['adapter_config.json', '*.json'] })
  expect(error.code).toBe('HUB_FILE_NOT_FOUND')
  expect(message).toBe(
    'org/model: must hold adapter_config.json, got config.json, model.safetensors; choose another repository or revision',
  )
  expect((await failure(() => false, { allow: '*.txt' })).message).toMatch(/must hold a selected file/)
})

test('what storage refuses is a failure of the server, not of the token, and is tried again from the hub', async () => {
  let refusals = 2
  const misbehave: Misbehaviour = ({ host }, response) => {
    if (host !== 'storage' || refusals-- <= 0) return false
    response.writeHead(403).end('<Error>expired</Error>')
    return true
  }
  const hub = await serveHub(content, misbehave)
  await downloadSnapshot('org/model', isolated({ endpoint: hub.endpoint }))
  expect(
    hub.requests.filter(({ path }) => path.includes('/resolve/') && path.includes('safetensors')),
  ).toHaveLength(3)
  refusals = 99
  const { error } = await failure(misbehave)
  expect(error.code).toBe('HUB_SERVER_ERROR')
})

test('errors that pass are tried again; 429 waits as long as it is asked to', async () => {
  const turns = [
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 500, headers: {} },
    { status: 429, headers: { 'retry-after': new Date(Date.now() + 100_000).toUTCString() } },
  ]
  const hub = await serveHub(content, (_, response) => {
    const turn = turns.shift()
    if (turn) response.writeHead(turn.status, turn.headers).end()
    return turn !== undefined
  })
  const waits: number[] = []
  const sleep = (milliseconds: number) => {
    waits.push(milliseconds)
    return Promise.resolve()
  }
  await downloadSnapshot('org/model', isolated({ endpoint: hub.endpoint, sleep }))
  expect(waits[0]).toBe(7000)
  expect(waits[1]).toBeLessThanOrEqual(1000)
  expect(waits[2]).toBeGreaterThan(50_000)
  expect(waits).toHaveLength(3)
})

test.each(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH'])(
  'a name without a network (%s) is asked for once more and not waited for',
  async (code) => {
    const waits: number[] = []
    const sleep = (milliseconds: number) => {
      waits.push(milliseconds)
      return Promise.resolve()
    }
    const fetch = () =>
      Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) }))
    await expect(resolveRepo('Qwne/mistyped', isolated({ sleep, fetch, retries: 5 }))).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringMatching(/a folder of that name is not there either$/) as string,
    })
    expect(waits).toHaveLength(1)
    expect(waits[0]).toBeLessThanOrEqual(500)
  },
)

test('a server that asks for more than five minutes is not waited for', async () => {
  const { error, message, requests } = await failure(answers(429, { 'retry-after': '3600' }), { retries: 5 })
  expect(message).toMatch(/try again in 3600 s/)
  expect(error.details).toMatchObject({ retryAfter: 3_600_000 })
  expect(requests).toHaveLength(1)
})

test.each([401, 403, 404])('%i is final', async (status) => {
  const { requests } = await failure(answers(status), { retries: 5 })
  expect(requests).toHaveLength(1)
})

test('the token goes to the hub, also after a redirect within it, and to no other host', async () => {
  const hub = await serveHub(content, ({ path, host }, response) => {
    if (host !== 'hub' || !path.startsWith('/api/') || path.includes('moved')) return false
    response.writeHead(307, { location: `${path}&moved=1` }).end()
    return true
  })
  await downloadSnapshot('org/model', isolated({ endpoint: hub.endpoint, token }))
  const sent = (host: string) =>
    new Set(hub.requests.filter((r) => r.host === host).map((r) => r.authorization))
  expect(sent('hub')).toEqual(new Set([`Bearer ${token}`]))
  expect(sent('storage')).toEqual(new Set([undefined]))
})

test('a token that a server or a network error repeats is not repeated by us', async () => {
  const { error } = await failure(answers(403, { 'x-error-message': `no ${token}`, 'x-request-id': token }), {
    token,
  })
  expect(error.details).toMatchObject({ serverMessage: 'no ***', requestId: '***' })
  const fetch = () => Promise.reject(new Error(`could not send ${token}`, { cause: { headers: [token] } }))
  expect((await failure(() => false, { token, fetch })).error.code).toBe('HUB_UNREACHABLE')
})

test.each(['/x', 'gopher://x', 'http://'])('redirects that lead nowhere (%s) end', async (location) => {
  const { error, requests } = await failure(answers(302, { location }))
  expect(error.code).toBe('HUB_REQUEST_FAILED')
  expect(requests.length).toBeLessThanOrEqual(11)
})

test('a host that does not answer is named, with the reason', async () => {
  const hub = await serveHub(content)
  await hub.close()
  const asked = downloadSnapshot('org/model', isolated({ endpoint: hub.endpoint, retries: 0 }))
  await expect(asked).rejects.toMatchObject({
    code: 'HUB_UNREACHABLE',
    message: `org/model: must be reachable at ${new URL(hub.endpoint).host}, got ECONNREFUSED; check the network, a proxy or HF_ENDPOINT`,
    details: { url: `${hub.endpoint}/api/models/org/model/revision/main` },
  })
})

test('a listing that does not end is given up, and is one error', async () => {
  let sent = 0
  const { error } = await failure((_, response) => {
    response.writeHead(200)
    const piece = Buffer.alloc(2 ** 20, ' ')
    const more = () => {
      while (!response.destroyed && sent < 2 ** 30) {
        sent += piece.length
        if (!response.write(piece)) {
          response.once('drain', more)
          return
        }
      }
      response.end()
    }
    more()
    return true
  })
  expect(error).toMatchObject({
    code: 'HUB_BAD_ANSWER',
    message: expect.stringContaining('must be listed in') as string,
  })
  expect(sent).toBeLessThan(2 ** 28)
})
