/** A file that grows by whole pieces: one write for each, and none that stays in part when a write fails. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from './replace-file'

export interface AppendFile {
  /** Bytes of whole pieces. */
  readonly size: number
  /** Not before an earlier call has settled. */
  append: (bytes: Uint8Array) => Promise<void>
  sync: () => Promise<void>
  /** The function syncs the file and closes it. */
  close: () => Promise<void>
}

/** Opens `file`, creates it if it is not there, and goes on after its first `size` bytes: cuts off the rest. */
export async function openAppendFile(file: string, size?: number): Promise<AppendFile> {
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT)
  let end: number
  try {
    if (size !== undefined) await handle.truncate(size)
    end = (await handle.stat()).size
    // One that may be new: what is synced in it must not be lost with its name.
    if (end === 0) await syncFolder(dirname(file))
  } catch (error) {
    await handle.close()
    throw error
  }
  return {
    get size() {
      return end
    },
    append: async (bytes) => {
      try {
        let done = 0
        while (done < bytes.length)
          done += (await handle.write(bytes, done, bytes.length - done, end + done)).bytesWritten
      } catch (error) {
        // Half a piece, on a full disk for instance, must not stay before the next one.
        await handle.truncate(end).catch(() => undefined)
        throw error
      }
      end += bytes.length
    },
    sync: () => handle.sync(),
    close: () => handle.sync().finally(() => handle.close()),
  }
}
