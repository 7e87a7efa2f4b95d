/** A file as hyparquet reads one: by ranges, of which none is kept. */
import { open } from 'node:fs/promises'
import { unreadable } from '@evolmm/internal/node'

export interface FileBuffer {
  /** The length of the file. */
  byteLength: number
  slice: (start: number, end?: number) => Promise<ArrayBuffer>
  close: () => Promise<void>
}

export async function openFileBuffer(path: string): Promise<FileBuffer> {
  const file = await open(path).catch(unreadable(path))
  const { size } = await file.stat()
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      const beyond = () => new Error(`${size} bytes, of which ${start} to ${end} were asked for`)
      if (start < 0 || end > size || start > end) throw beyond()
      const bytes = new Uint8Array(end - start)
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done)
        if (bytesRead === 0) throw beyond()
        done += bytesRead
      }
      return bytes.buffer
    },
    close: () => file.close(),
  }
}
