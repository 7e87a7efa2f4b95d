/**
 * A language model that grades answers or reads the answer out of a text: any endpoint that speaks OpenAI's chat
 * completions. Replies are remembered, in a file if one is named, so that a resumed or repeated run asks nothing twice
 * and gets the same verdicts.
 */
import { createHash } from 'node:crypto'
import { checkInteger, checkNames, checkNumber, parseJson } from '@evolmm/internal'
import { boundedText, retryAfter, retrying } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
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

/** The endpoint and the model that are asked where nothing else is said. */
export const openAi = { url: 'https://api.openai.com/v1', model: 'gpt-4o-2024-11-20' }

export interface OpenAiJudgeOptions {
  /** The address of the service, to which `/chat/completions` is added. @default 'https://api.openai.com/v1' */
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
  checkNames('openAiJudge', options, {
    baseUrl: true,
    model: true,
    apiKey: true,
    temperature: true,
    cacheFile: true,
    tries: true,
    pause: true,
    timeout: true,
    fetch: true,
  })
  const settings = {
    url: `${(options.baseUrl ?? openAi.url).replace(/\/$/, '')}/chat/completions`,
    model: options.model ?? openAi.model,
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
    ask: (question) => {
      const { url, model, temperature, tries, pause } = settings
      const { system = null, user, maxTokens, attempt = 0, signal } = question
      const key = JSON.stringify([url, model, temperature, system, user, maxTokens, attempt])
      return replies.get(createHash('sha256').update(key).digest('hex'), () =>
        retrying(() => request(settings, question), {
          ...{ retries: tries - 1, firstPause: 1000 * pause, signal },
          pauseAfter: (error) => pauseAfter(error, settings),
        }),
      )
    },
  }
}

interface JudgeEndpoint {
  url: string
  model: string
  apiKey: string | undefined
  temperature: number
  tries: number
  pause: number
  timeout: number
  fetch: typeof fetch
}

/** One request. Throws `JUDGE_REFUSED` or `JUDGE_FAILED`. */
async function request(
  settings: JudgeEndpoint,
  { system, user, maxTokens, signal }: JudgeRequest,
): Promise<string> {
  const { url, model, temperature, apiKey } = settings
  const limit = AbortSignal.timeout(1000 * settings.timeout)
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: user },
  ]
  let response: Response
  let body: string
  try {
    response = await settings.fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ model, temperature, max_tokens: maxTokens, messages }),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    })
    // A reply of some thousand tokens is far shorter.
    body = (await boundedText(response, 2 ** 24)) ?? ''
  } catch (cause) {
    throw failed(settings, 'no connection', 'JUDGE_FAILED', {}, cause)
  }
  if (!response.ok) {
    const { status } = response
    const code = refusals.has(status) ? 'JUDGE_REFUSED' : 'JUDGE_FAILED'
    const details = { status, body: body.slice(0, 1000), retryAfter: retryAfter(response.headers) }
    throw failed(settings, `status ${status}`, code, details)
  }
  const reply = replyIn(body)
  if (reply === undefined) throw failed(settings, 'a reply without text', 'JUDGE_REFUSED', { body })
  return reply
}

/** The pause before another request, which is worth it where a connection failed or a status passes. */
function pauseAfter(error: unknown, { timeout }: JudgeEndpoint): number | undefined {
  if (!(error instanceof EvolmmError) || error.code !== 'JUDGE_FAILED') return undefined
  const { status, retryAfter: wait = 0 } = error.details as { status?: number; retryAfter?: number }
  return status === undefined || passing(status) ? Math.min(wait, 1000 * timeout) : undefined
}

function failed(
  { url, model }: JudgeEndpoint,
  got: string,
  code: 'JUDGE_FAILED' | 'JUDGE_REFUSED',
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
    const { choices } = Object(parseJson(body)) as { choices?: { message?: { content?: unknown } }[] }
    const content = choices?.[0]?.message?.content
    return typeof content === 'string' ? content : undefined
  } catch {
    return undefined
  }
}
