import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openAiJudge, type OpenAiJudgeOptions } from '../src/judge'

interface Seen {
  url: string | undefined
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
}

type Reply = { status?: number; headers?: Record<string, string>; body?: string } | 'hang'

const reply = (content: string): Reply => ({ body: JSON.stringify({ choices: [{ message: { content } }] }) })

/** An endpoint that gives these answers in turn, then the last one again. */
async function endpoint(...answers: Reply[]) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const answer = answers[Math.min(seen.length, answers.length - 1)]
      seen.push({
        url: request.url,
        headers: request.headers,
        body: JSON.parse(text) as Record<string, unknown>,
      })
      if (answer === 'hang') return
      response.writeHead(answer.status ?? 200, answer.headers)
      response.end(answer.body ?? '')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`
  const judge = (options: OpenAiJudgeOptions = {}) =>
    openAiJudge({ baseUrl, model: 'grader', pause: 0.001, ...options })
  return { seen, judge }
}

const question = { user: 'Is it right?', maxTokens: 8 }

test('a judge sends one chat completion and replies with its text', async () => {
  const { seen, judge } = await endpoint(reply(' 1\n'))
  const grader = judge({ apiKey: 'secret' })
  expect(grader.name).toBe('grader')
  expect(await grader.ask({ system: 'Be strict.', ...question })).toBe(' 1\n')
  expect(seen).toHaveLength(1)
  expect(seen[0].url).toBe('/v1/chat/completions')
  expect(seen[0].headers.authorization).toBe('Bearer secret')
  expect(seen[0].body).toEqual({
    model: 'grader',
    temperature: 0,
    max_tokens: 8,
    messages: [
      { role: 'system', content: 'Be strict.' },
      { role: 'user', content: 'Is it right?' },
    ],
  })
})

test('the same question is asked once, also at the same time; another attempt is another question', async () => {
  const { seen, judge } = await endpoint(reply('a'), reply('b'))
  const grader = judge()
  expect(await Promise.all([grader.ask(question), grader.ask(question)])).toEqual(['a', 'a'])
  expect(await grader.ask({ ...question, attempt: 1 })).toBe('b')
  expect(seen).toHaveLength(2)
})

test.each([408, 409, 429, 500, 503])('status %i is tried again', async (status) => {
  const { seen, judge } = await endpoint({ status }, { status }, reply('1'))
  expect(await judge().ask(question)).toBe('1')
  expect(seen).toHaveLength(3)
})

test('the pause that the endpoint asks for is kept, but never longer than one request may take', async () => {
  const { judge } = await endpoint({ status: 429, headers: { 'retry-after': '3600' } }, reply('1'))
  expect(await judge({ timeout: 0.5 }).ask(question)).toBe('1')
})

test('after the last try the error names judge, address and status, and not the key', async () => {
  const { seen, judge } = await endpoint({ status: 503, body: 'busy' })
  const error = await judge({ tries: 3, apiKey: 'secret' })
    .ask(question)
    .catch((error: unknown) => error)
  expect(error).toMatchObject({
    code: 'JUDGE_FAILED',
    details: { status: 503, model: 'grader', body: 'busy' },
  })
  expect((error as Error).message).toContain('status 503')
  expect(JSON.stringify(error) + String(error)).not.toContain('secret')
  expect(seen).toHaveLength(3)
})

test.each([401, 403, 404])('status %i ends at once: the judge cannot be used', async (status) => {
  const { seen, judge } = await endpoint({ status })
  await expect(judge().ask(question)).rejects.toMatchObject({ code: 'JUDGE_FAILED' })
  expect(seen).toHaveLength(1)
})

test.each([
  { status: 400, body: 'content filter' },
  { body: 'not JSON' },
  { body: '{}' },
  { body: '{"choices":[{"message":{"content":null}}]}' },
  { body: 'null' },
])('a text that the judge does not take (%j) is refused, at once', async (answer) => {
  const { seen, judge } = await endpoint(answer)
  await expect(judge().ask(question)).rejects.toMatchObject({ code: 'JUDGE_REFUSED' })
  expect(seen).toHaveLength(1)
})

test('no connection is tried again and then a failure', async () => {
  let calls = 0
  const offline = () => {
    calls++
    return Promise.reject(new TypeError('fetch failed'))
  }
  const judge = openAiJudge({ fetch: offline, tries: 4, pause: 0 })
  await expect(judge.ask(question)).rejects.toMatchObject({
    code: 'JUDGE_FAILED',
    cause: new TypeError('fetch failed'),
  })
  expect(calls).toBe(4)
})

test('an endpoint that never answers is given up', async () => {
  const { judge } = await endpoint('hang')
  // Counted where they are made: on a busy machine the time may be over before the endpoint has read the request.
  let requests = 0
  const counting: typeof fetch = (...request) => {
    requests++
    return fetch(...request)
  }
  const hurried = judge({ timeout: 0.05, tries: 2, fetch: counting })
  await expect(hurried.ask(question)).rejects.toMatchObject({ code: 'JUDGE_FAILED' })
  expect(requests).toBe(2)
})

test('an abort ends the request with its reason', async () => {
  const { judge } = await endpoint('hang')
  const controller = new AbortController()
  const asked = judge().ask({ ...question, signal: controller.signal })
  setTimeout(() => {
    controller.abort(new Error('enough'))
  }, 20)
  await expect(asked).rejects.toThrow('enough')
})

test('a failure is not remembered', async () => {
  const { judge } = await endpoint({ status: 401 }, reply('1'))
  const grader = judge()
  await expect(grader.ask(question)).rejects.toThrow()
  expect(await grader.ask(question)).toBe('1')
})

test('replies are kept in a file, by judge and question, and survive a torn last line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-judge-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const cacheFile = join(folder, 'replies.jsonl')
  const { seen, judge } = await endpoint(reply('a'), reply('b'), reply('c'))
  expect(await judge({ cacheFile }).ask(question)).toBe('a')
  await appendFile(cacheFile, '{"key":"torn')
  expect(await judge({ cacheFile }).ask(question)).toBe('a')
  expect(await judge({ cacheFile, model: 'other' }).ask(question)).toBe('b')
  expect(await judge({ cacheFile }).ask({ ...question, user: 'And this?' })).toBe('c')
  expect(await judge({ cacheFile, model: 'other' }).ask(question)).toBe('b')
  expect(seen).toHaveLength(3)
  const lines = (await readFile(cacheFile, 'utf8')).trimEnd().split('\n')
  expect(lines).toHaveLength(4)
  expect(lines.filter((line) => line.endsWith('}'))).toHaveLength(3)
})

test('a cache file that cannot be read or written is one error', async () => {
  const { judge } = await endpoint(reply('a'))
  await expect(judge({ cacheFile: tmpdir() }).ask(question)).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  const missing = join(tmpdir(), 'evolmm-no-such-folder', 'replies.jsonl')
  await expect(judge({ cacheFile: missing }).ask(question)).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  const endless = join(await mkdtemp(join(tmpdir(), 'evolmm-judge-')), 'replies.jsonl')
  await writeFile(endless, '')
  await truncate(endless, 2 ** 36)
  await expect(judge({ cacheFile: endless }).ask(question)).rejects.toMatchObject({
    code: 'CACHE_UNUSABLE',
    message: expect.stringContaining('lines of at most 64 MiB') as string,
  })
  await rm(endless)
})

test('bad options are refused', () => {
  expect(() => openAiJudge({ tries: 0 })).toThrow('tries')
  expect(() => openAiJudge({ timeout: 0 })).toThrow('timeout')
  expect(() => openAiJudge({ pause: -1 })).toThrow('pause')
  expect(() => openAiJudge({ temperature: NaN })).toThrow('temperature')
})
