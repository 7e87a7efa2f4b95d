/** A hub of this machine and downloads from it into a cache of their own. */
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { downloadSnapshot } from '../../src/download-snapshot'
import {
  bytes,
  isolated,
  serveHub,
  temporaryFolder,
  type FakeRepo,
  type Misbehaviour,
} from '@evolmm/internal/testing'

export const commit = 'c'.repeat(40)
export const weights = bytes(1_000_000)
export const repo = (files: FakeRepo['files'], more: Partial<FakeRepo> = {}): FakeRepo => ({
  id: 'org/model',
  commit,
  files,
  ...more,
})
export const coded = (code: string, message?: RegExp) =>
  expect.objectContaining({
    name: 'EvolmmError',
    code,
    ...(message && { message: expect.stringMatching(message) as string }),
  }) as Error

/** The server, and a download with it into one cache. */
export async function setUp(content: FakeRepo, misbehave?: Misbehaviour) {
  const cacheFolder = temporaryFolder()
  const blobs = join(cacheFolder, 'models--org--model', 'blobs')
  /** Bytes of the one content that is under way. */
  const partSize = () => {
    const part = existsSync(blobs) && readdirSync(blobs).find((name) => name.endsWith('.incomplete'))
    return part ? lstatSync(join(blobs, part)).size : 0
  }
  const hub = await serveHub(content, misbehave, (place) => partSize() >= place)
  const fetchIt = (options = {}) =>
    downloadSnapshot('org/model', isolated({ endpoint: hub.endpoint, cacheFolder, ...options }))
  return { ...hub, cacheFolder, blobs, partSize, download: fetchIt }
}

/** Breaks the first `times` transfers of large files after `count` bytes. */
export const cutting =
  (times: number, count: number): Misbehaviour =>
  ({ host }, _, { cutAfter }) => {
    if (host !== 'storage' || times-- <= 0) return false
    cutAfter(count)
    return true
  }
