/** A page in Chromium without a window, served from this process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The program to start: `CHROMIUM` in the environment, or one of those that packages install. */
export const chromium = process.env.CHROMIUM ?? programs.find((path) => existsSync(path))

const types = new Map([
  ['js', 'text/javascript'],
  ['mjs', 'text/javascript'],
  ['wasm', 'application/wasm'],
])

/**
 * Opens a page that runs the module `script`, with the query `search`, and returns what it posts to `/result`; other
 * files that it asks for are those of `folder`. Ends with an error where Chromium does before that, or after two minutes.
 */
export async function runPage(script: string, search: string, folder: string): Promise<unknown> {
  if (chromium === undefined) throw new Error('no Chromium')
  const profile = mkdtempSync(join(tmpdir(), 'evolmm-chromium-'))
  let posted: (body: string) => void
  const result = new Promise<string>((resolve) => (posted = resolve))
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://page').pathname.slice(1)
    if (request.method === 'POST' && name === 'result') {
      void textOf(request).then(posted)
      response.end()
    } else if (name === '') {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><script type="module" src="/page.js"></script>')
    } else if (name === 'page.js' || (/^[\w.-]+$/.test(name) && existsSync(join(folder, name)))) {
      response.setHeader('content-type', types.get(name.split('.').at(-1) ?? '') ?? 'text/plain')
      response.end(name === 'page.js' ? script : readFileSync(join(folder, name)))
    } else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
  ]
  const quiet = [
    '--disable-background-networking',
    '--disable-component-update',
    `--user-data-dir=${profile}`,
  ]
  const browser = spawn(chromium, [...flags, ...quiet, `http://127.0.0.1:${port}/?${search}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let said = ''
  browser.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-2000)))
  const ended = new Promise<void>((resolve) => {
    browser.once('exit', () => {
      resolve()
    })
    browser.once('error', (error) => {
      said = error.message
      resolve()
    })
  })
  const deadline = new AbortController()
  const late = setTimeout(120_000, undefined, { signal: deadline.signal }).then(() => {
    throw new Error(`the page must post a result within two minutes; Chromium said: ${said}`)
  })
  try {
    const early = ended.then(() => {
      throw new Error(`Chromium ended before the page had a result: ${said}`)
    })
    return JSON.parse(await Promise.race([result, early, late]))
  } finally {
    late.catch(() => undefined)
    deadline.abort()
    // The whole group: Chromium is several processes.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL')
    await ended
    server.closeAllConnections()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
