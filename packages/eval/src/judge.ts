/**
 * A language model that grades answers or reads the answer out of a text: any endpoint that speaks OpenAI's chat
 * completions. Replies are remembered, in a file if one is named, so that a resumed or repeated run asks nothing twice
 * and gets the same verdicts.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkInteger, checkNumber, EvolmmError } from '@evolmm/internal'
import { ReplyCache } from './reply-cache'

export interface Judge {
  /** Recorded with every score. */
  name: string
  /**
   * The reply to one request. Rejects with `JUDGE_REFUSED` when the judge does not take this very text, and with
   * `JUDGE_FAILED` when it cannot be reached or used at all.
   */
  ask: (request: JudgeRequest) => Promise<string>
}

export interface JudgeRequest {
  /** @default none */
  system?: string | undefined
  user: string
  /** Limit of the reply, tokens. */
  maxTokens: number
  /** Tells repeated questions apart, which the cache would answer alike. @default 0 */
  attempt?: number | undefined
  signal?: AbortSignal | undefined
}

export interface OpenAiJudgeOptions {
  /** Address before `/chat/completions`. @default 'https://api.openai.com/v1' */
  baseUrl?: string | undefined
  /** @default 'gpt-4o-2024-11-20' */
  model?: string | undefined
  /** @default none */
  apiKey?: string | undefined
  /** @default 0 */
  temperature?: number | undefined
  /** JSON-lines file of earlier replies, created when absent. @default none: remembered in memory */
  cacheFile?: string | undefined
  /** The number of times a request is made before it counts as failed. @default 5 */
  tries?: number | undefined
  /** Pause after the first failure, seconds; doubles each time, unless the endpoint names another. @default 1 */
  pause?: number | undefined
  /** Limit of one request, seconds. @default 60 */
  timeout?: number | undefined
  /** @default the global fetch */
  fetch?: typeof fetch | undefined
}

/** Status codes that speak of this text, not of the endpoint. */
const refusals = new Set([400, 413, 422])
const passing = (status: number) => status === 408 || status === 409 || status === 429 || status >= 500

export function openAiJudge(options: OpenAiJudgeOptions = {}): Judge {
  const settings = {
    url: `${(options.baseUrl ?? 'https://api.openai.com/v1').replace(/\/$/, '')}/chat/completions`,
    model: options.model ?? 'gpt-4o-2024-11-20',
    apiKey: options.apiKey,
    temperature: checkNumber('temperature', options.temperature ?? 0, { min: 0 }),
    tries: checkInteger('tries', options.tries ?? 5, { min: 1 }),
    pause: checkNumber('pause', options.pause ?? 1, { min: 0 }),
    timeout: checkNumber('timeout', options.timeout ?? 60, { above: 0 }),
    fetch: options.fetch ?? fetch,
  }
  const replies = new ReplyCache(options.cacheFile)
  return {
    name: settings.model,
    ask: (request) => {
      const { url, model, temperature } = settings
      const { system = null, user, maxTokens, attempt = 0 } = request
      const asked = JSON.stringify([url, model, temperature, system, user, maxTokens, attempt])
      return replies.get(createHash('sha256').update(asked).digest('hex'), () =>
        requestWithRetries(settings, request),
      )
    },
  }
}

interface Settings {
  url: string
  model: string
  apiKey: string | undefined
  temperature: number
  tries: number
  pause: number
  timeout: number
  fetch: typeof fetch
}

async function requestWithRetries(settings: Settings, request: JudgeRequest): Promise<string> {
  for (let made = 1; ; made++) {
    const outcome = await requestOnce(settings, request)
    if ('reply' in outcome) return outcome.reply
    if (!outcome.passing || made >= settings.tries) throw outcome.error
    await sleep(1000 * (outcome.pause ?? settings.pause * 2 ** (made - 1)), undefined, {
      signal: request.signal,
    })
  }
}

type Outcome = { reply: string } | { error: EvolmmError; passing: boolean; pause?: number | undefined }

async function requestOnce(settings: Settings, request: JudgeRequest): Promise<Outcome> {
  const { url, model, temperature } = settings
  const limit = AbortSignal.timeout(1000 * settings.timeout)
  const messages = [
    ...(request.system === undefined ? [] : [{ role: 'system', content: request.system }]),
    { role: 'user', content: request.user },
  ]
  try {
    const response = await settings.fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(settings.apiKey === undefined ? {} : { authorization: `Bearer ${settings.apiKey}` }),
      },
      body: JSON.stringify({ model, temperature, max_tokens: request.maxTokens, messages }),
      signal: request.signal === undefined ? limit : AbortSignal.any([request.signal, limit]),
    })
    const body = await response.text()
    if (!response.ok) return refused(settings, response, body)
    const reply = replyIn(body)
    if (reply !== undefined) return { reply }
    return { error: failed(settings, 'a reply without text', 'JUDGE_REFUSED', { body }), passing: false }
  } catch (cause) {
    request.signal?.throwIfAborted()
    return { error: failed(settings, 'no connection', 'JUDGE_FAILED', {}, cause), passing: true }
  }
}

function refused(settings: Settings, response: Response, body: string): Outcome {
  const { status } = response
  const seconds = Number(response.headers.get('retry-after') ?? NaN)
  return {
    error: failed(settings, `status ${status}`, refusals.has(status) ? 'JUDGE_REFUSED' : 'JUDGE_FAILED', {
      status,
      body: body.slice(0, 1000),
    }),
    passing: passing(status),
    pause: Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, settings.timeout) : undefined,
  }
}

function failed(
  { url, model }: Settings,
  got: string,
  code: string,
  details: Record<string, unknown>,
  cause?: unknown,
): EvolmmError {
  return new EvolmmError(
    code,
    `Judge ${model}: must reply at ${url}, got ${got}; check the address, the key and the model, or use mode rule-based`,
    { details: { url, model, ...details }, cause },
  )
}

function replyIn(body: string): string | undefined {
  try {
    const { choices } = Object(JSON.parse(body)) as { choices?: { message?: { content?: unknown } }[] }
    const content = choices?.[0]?.message?.content
    return typeof content === 'string' ? content : undefined
  } catch {
    return undefined
  }
}
