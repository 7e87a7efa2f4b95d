/**
 * A process of its own that plays on a disk that fails: node failing-disk.mjs FOLDER REPORT HOW AT. What is counted are
 * writes, syncs and cuts of files. `full`: from the write numbered AT on there is no room, and half of a piece is written.
 * `power`: what is counted then are names that come and go too; at that number the process is killed, and the report tells how
 * much of which file was synced by then, and which names were not, since no sync of their folder came after them.
 */
import { constants, existsSync, statSync, writeFileSync } from 'node:fs'
import disk, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, resolve as absolute } from 'node:path'
import { resolve } from '@evolmm/settings'
import { EvolmmError, run } from '../../src'
import type { LostName } from './lose-names'
import { bandit, banditSettings } from './bandit'

const [folder = '', reportFile = '', how = '', at = ''] = process.argv.slice(2)
/** The length of each file that is sure to be there after a loss of power, by the number of the file. */
const synced = new Map<number, number>()
let count = 0
/** The moments at which power can go: what `count` counts, and names. */
let moments = 0
/** Names that are not sure to be there after a loss of power, the earliest first, by the numbers of the folders that hold them. */
let unsure: (LostName & { folders: Set<number> })[] = []
/** The folder of the newest checkpoint of which the run has said that it is saved. */
let saved: string | null = null

type WriteBytes = (
  this: FileHandle,
  ...args: [bytes: Uint8Array, offset: number, length: number, position: number | null]
) => Promise<unknown>

async function failAt(): Promise<void> {
  const handle = await disk.open(process.execPath)
  const methods = Object.getPrototypeOf(handle) as Pick<
    FileHandle,
    'write' | 'writeFile' | 'sync' | 'truncate'
  >
  await handle.close()
  // They are called with the handle that they belong to.
  const { writeFile, sync, truncate } = methods
  const write = methods.write as unknown as WriteBytes

  Object.assign(methods, {
    async write(
      this: FileHandle,
      bytes: Uint8Array,
      offset = 0,
      length = bytes.length - offset,
      position: number | null = null,
    ) {
      await meet(this)
      if (isFull()) {
        await write.call(this, bytes, offset, length >> 1, position)
        throw noRoom()
      }
      return write.call(this, bytes, offset, length, position)
    },
    async writeFile(this: FileHandle, content: string | Uint8Array) {
      await meet(this)
      if (isFull()) {
        await writeFile.call(this, content.slice(0, content.length >> 1))
        throw noRoom()
      }
      return writeFile.call(this, content)
    },
    async sync(this: FileHandle) {
      await meet(this)
      await sync.call(this)
      const { ino, size } = await this.stat()
      synced.set(ino, size)
      for (const { folders } of unsure) folders.delete(ino)
      unsure = unsure.filter(({ folders }) => folders.size > 0)
    },
    async truncate(this: FileHandle, length = 0) {
      await meet(this)
      await truncate.call(this, length)
      const { ino } = await this.stat()
      synced.set(ino, Math.min(length, synced.get(ino) ?? length))
    },
  })
}

/** Notes names that come and change, and lets the power go before them. */
function watchNames(): void {
  // What others import by name is replaced too, here as well.
  const { mkdir, open, rename, rm } = disk
  const note = (name: LostName) => {
    const paths = name.from === undefined ? [name.path] : [name.path, name.from]
    unsure.push({ ...name, folders: new Set(paths.map((path) => statSync(dirname(absolute(path))).ino)) })
  }
  Object.assign(disk, {
    async mkdir(path: string) {
      await pass()
      await mkdir(path)
      note({ path })
    },
    async open(path: string, flags: string | number = 'r') {
      const makes = typeof flags === 'number' ? (flags & constants.O_CREAT) !== 0 : flags.includes('w')
      const isNew = makes && !existsSync(path)
      if (isNew) await pass()
      const handle = await open(path, flags)
      if (isNew) note({ path })
      return handle
    },
    async rename(from: string, path: string) {
      await pass()
      if (existsSync(path)) throw new Error(`rename to ${path}: what was there before is not kept here`)
      await rename(from, path)
      note({ path, from })
    },
    async rm(...args: Parameters<typeof rm>) {
      await pass()
      await rm(...args)
    },
  })
  syncBuiltinESMExports()
}

/** Counts what is about to be done to a file. What was there before is on the disk. */
async function meet(handle: FileHandle): Promise<void> {
  const { ino, size } = await handle.stat()
  if (!synced.has(ino)) synced.set(ino, size)
  count++
  await pass()
}

/** Cuts the power when it is time. */
async function pass(): Promise<void> {
  if (moments++ !== Number(at) || how !== 'power') return
  report('killed')
  process.kill(process.pid, 'SIGKILL')
  // Nothing is done any more until the signal is there.
  await new Promise(() => undefined)
}

function isFull(): boolean {
  return how === 'full' && count > Number(at)
}

function noRoom(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), {
    ...{ code: 'ENOSPC', errno: -28, syscall: 'write' },
  })
}

function report(end: string): void {
  writeFileSync(reportFile, JSON.stringify({ end, count, moments, synced: [...synced], unsure, saved }))
}

await failAt()
watchNames()
const settings = resolve(banditSettings, { total_steps: 9, save_every: 3, tensorboard: false })
try {
  await run(bandit, {
    ...{ folder, settings, onWarning: () => undefined },
    onCheckpoint: (checkpoint) => (saved = checkpoint),
  })
  report('finished')
} catch (error) {
  if (!(error instanceof EvolmmError)) throw error
  report(error.code)
}
