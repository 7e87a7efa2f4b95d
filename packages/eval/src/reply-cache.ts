/**
 * What a judge replied before, by key, in memory and in a JSON-lines file if one is named. Requests for the same key at
 * the same time are one request; a failed one is not remembered.
 */
import { appendFile } from 'node:fs/promises'
import { parseObject } from '@evolmm/internal'
import { readLines } from '@evolmm/internal/node'
import { EvolmmError } from './errors'

export class ReplyCache {
  private readonly replies = new Map<string, Promise<string>>()
  private loaded: Promise<void> | undefined

  constructor(private readonly file: string | undefined) {}

  async get(key: string, request: () => Promise<string>): Promise<string> {
    this.loaded ??= this.load()
    await this.loaded
    const known = this.replies.get(key)
    if (known !== undefined) return known
    const reply = request().then(async (text) => {
      await this.append(`${JSON.stringify({ key, reply: text })}\n`)
      return text
    })
    this.replies.set(key, reply)
    reply.catch(() => this.replies.delete(key))
    return reply
  }

  private async load(): Promise<void> {
    if (this.file === undefined) return
    let isTorn = false
    try {
      for await (const { bytes, isWhole } of readLines(this.file)) {
        const { key, reply } = parseObject(bytes.toString('utf8')) ?? {}
        if (typeof key === 'string' && typeof reply === 'string')
          this.replies.set(key, Promise.resolve(reply))
        isTorn = !isWhole
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(this.file, error)
    }
    // The last line of a killed run may be torn: the next reply starts a line of its own.
    if (isTorn) await this.append('\n')
  }

  private async append(text: string): Promise<void> {
    if (this.file === undefined) return
    await appendFile(this.file, text).catch((error: unknown) => {
      throw unusable(this.file, error)
    })
  }
}

function unusable(file: string | undefined, cause: unknown): EvolmmError {
  return new EvolmmError(
    'CACHE_UNUSABLE',
    `cacheFile: must be a file that can be read and written, got ${file}: ${String(cause)}; name one in a folder that exists`,
    { details: { file }, cause },
  )
}
