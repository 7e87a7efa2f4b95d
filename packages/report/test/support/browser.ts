/**
 * A page in headless Chromium, driven over the DevTools protocol through a pipe: no port, no network, no dependency.
 * Debian's package is `chromium`; `CHROMIUM` names another binary.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The binary, or `undefined` where there is none. */
export function findChromium(): string | undefined {
  const { CHROMIUM } = process.env
  return (CHROMIUM === undefined ? candidates : [CHROMIUM]).find((path) => existsSync(path))
}

export interface View {
  width: number
  /** @default 900 */
  height?: number
  scheme: 'light' | 'dark'
  /** @default 'screen' */
  media?: 'screen' | 'print'
  /** @default true */
  script?: boolean
}

export interface Page {
  /** Loads a URL and waits until it is complete. */
  open: (url: string, view: View) => Promise<void>
  /** The value of an expression in the page. */
  evaluate: (expression: string) => Promise<unknown>
  /** Moves the pointer to a place. */
  point: (x: number, y: number) => Promise<void>
  /** PNG; of the whole page, or of a rectangle of it. */
  screenshot: (clip?: { x: number; y: number; width: number; height: number }) => Promise<Buffer>
  /** What was asked of the network, `data:` and the page itself left out, since the page was opened. */
  requests: string[]
  /** Errors, warnings and messages of the console since the page was opened. */
  complaints: string[]
  close: () => Promise<void>
}

interface Message {
  id?: number
  method?: string
  sessionId?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { message: string }
}

export async function openBrowser(binary: string): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'evolmm-chromium-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars']
  const child = spawn(
    binary,
    [...flags, '--disable-background-networking', '--remote-debugging-pipe', `--user-data-dir=${profile}`],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  )
  const protocol = connect(child)
  const { targetId } = await protocol.send('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: true })
  const send = (method: string, params: Record<string, unknown> = {}) =>
    protocol.send(method, params, String(sessionId))
  const requests: string[] = []
  const complaints: string[] = []
  let address = ''
  protocol.on('Network.requestWillBeSent', ({ request }) => {
    const { url } = request as { url: string }
    if (!url.startsWith('data:') && url !== address) requests.push(url)
  })
  for (const event of ['Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded'])
    protocol.on(event, (params) => complaints.push(JSON.stringify(params)))
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await send(`${domain}.enable`)

  return {
    requests,
    complaints,
    open: async (url, { width, height = 900, scheme, media = 'screen', script = true }) => {
      await send('Emulation.setDeviceMetricsOverride', {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: false,
      })
      await send('Emulation.setEmulatedMedia', {
        media,
        features: [{ name: 'prefers-color-scheme', value: scheme }],
      })
      await send('Emulation.setScriptExecutionDisabled', { value: !script })
      address = url
      requests.length = 0
      complaints.length = 0
      const loaded = protocol.once('Page.loadEventFired')
      await send('Page.navigate', { url })
      await loaded
    },
    evaluate: async (expression) => {
      const { result, exceptionDetails } = await send('Runtime.evaluate', {
        expression,
        returnByValue: true,
        awaitPromise: true,
      })
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return (result as { value: unknown }).value
    },
    point: async (x, y) => {
      await send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y })
    },
    screenshot: async (clip) => {
      const { data } = await send('Page.captureScreenshot', {
        captureBeyondViewport: true,
        ...(clip === undefined ? {} : { clip: { ...clip, scale: 1 } }),
      })
      return Buffer.from(String(data), 'base64')
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once('close', resolve))
      await protocol.send('Browser.close').catch(() => undefined)
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** JSON messages that end in a zero byte, on file descriptors 3 and 4 of the browser. */
function connect(child: ChildProcess) {
  const output = child.stdio[3] as Writable
  const input = child.stdio[4] as Readable
  const waiting = new Map<number, { resolve: (message: Message) => void; reject: (error: Error) => void }>()
  const listeners = new Map<string, ((params: Record<string, unknown>) => void)[]>()
  let id = 0
  let rest = ''
  input.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0')
    rest = messages.pop() ?? ''
    for (const text of messages) receive(JSON.parse(text) as Message)
  })
  child.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the browser has ended'))
  })
  output.on('error', () => undefined)

  function receive(message: Message): void {
    if (message.id === undefined) {
      for (const listener of listeners.get(message.method ?? '') ?? []) listener(message.params ?? {})
      return
    }
    const one = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error !== undefined) one?.reject(new Error(message.error.message))
    else one?.resolve(message)
  }

  const on = (event: string, listener: (params: Record<string, unknown>) => void) => {
    listeners.set(event, [...(listeners.get(event) ?? []), listener])
  }
  return {
    on,
    once: (event: string) =>
      new Promise<void>((resolve) => {
        on(event, () => {
          resolve()
        })
      }),
    send: async (method: string, params: Record<string, unknown> = {}, sessionId?: string) => {
      const number = ++id
      const answer = new Promise<Message>((resolve, reject) => waiting.set(number, { resolve, reject }))
      output.write(`${JSON.stringify({ id: number, method, params, sessionId })}\0`)
      return (await answer).result ?? {}
    },
  }
}
