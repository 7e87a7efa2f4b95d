/**
 * A process of its own that plays on a disk that fails: node failing-disk.mjs FOLDER REPORT HOW AT. What is counted are
 * writes, syncs and cuts of files. `full`: from the write numbered AT on there is no room, and half of a piece is written.
 * `power`: at that number the process is killed, and the report tells how much of which file was synced by then.
 */
import { writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { resolve } from '@evolmm/settings'
import { EvolmmError, run } from '../../src'
import { bandit, banditSettings } from './bandit'

const [folder = '', reportFile = '', how = '', at = ''] = process.argv.slice(2)
/** The length of each file that is sure to be there after a loss of power, by the number of the file. */
const synced = new Map<number, number>()
let count = 0

type WriteBytes = (
  this: FileHandle,
  ...args: [bytes: Uint8Array, offset: number, length: number, position: number | null]
) => Promise<unknown>

async function failAt(): Promise<void> {
  const handle = await open(process.execPath)
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
    },
    async truncate(this: FileHandle, length = 0) {
      await meet(this)
      await truncate.call(this, length)
      const { ino } = await this.stat()
      synced.set(ino, Math.min(length, synced.get(ino) ?? length))
    },
  })
}

/** Counts what is about to be done to a file, and cuts the power when it is time. What was there before is on the disk. */
async function meet(handle: FileHandle): Promise<void> {
  const { ino, size } = await handle.stat()
  if (!synced.has(ino)) synced.set(ino, size)
  if (count++ !== Number(at) || how !== 'power') return
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
  writeFileSync(reportFile, JSON.stringify({ end, count, synced: [...synced] }))
}

await failAt()
const settings = resolve(banditSettings, { total_steps: 9, save_every: 3, tensorboard: false })
try {
  await run(bandit, { folder, settings, onWarning: () => undefined })
  report('finished')
} catch (error) {
  if (!(error instanceof EvolmmError)) throw error
  report(error.code)
}
