/**
 * A file ends early if it ends before the data that its own headers announce. The check is made only once decoding
 * has failed.
 */
import { open, type FileHandle } from 'node:fs/promises'
import type { ImageFormat } from './image-formats'

type EndCheck = (file: FileHandle, size: number) => Promise<boolean>

/** Formats that state their sizes. For the others the decoder's own words tell (see `prematureEnd`). */
const checks: Partial<Record<ImageFormat, EndCheck>> = {
  /** Chunks of a length, a name of four letters, that many bytes and a checksum, up to IEND. */
  png: async (file, size) => {
    for (let at = 8; ;) {
      if (at + 12 > size) return true
      const head = await readAt(file, at, 8)
      const name = head.toString('latin1', 4)
      if (name === 'IEND' || !/^[a-z]{4}$/i.test(name)) return false
      at += 12 + head.readUInt32BE(0)
    }
  },
  /** One RIFF chunk that holds everything. */
  webp: async (file, size) => 8 + (await readAt(file, 4, 4)).readUInt32LE(0) > size,
  /** The place of the first directory; small encoders put it last. */
  tiff: async (file, size) => {
    const head = await readAt(file, 0, 8)
    const directory = head.toString('latin1', 0, 2) === 'II' ? head.readUInt32LE(4) : head.readUInt32BE(4)
    return directory + 2 > size
  },
}

const prematureEnd = /premature end of JPEG|Unexpected end of GIF|outside of file bounds|end of file/i

export async function endsEarly(path: string, format: ImageFormat, decoderMessage: string): Promise<boolean> {
  const check = checks[format]
  if (check === undefined) return prematureEnd.test(decoderMessage)
  const file = await open(path)
  try {
    const { size } = await file.stat()
    return await check(file, size)
  } finally {
    await file.close()
  }
}

/** `length` bytes from `at`; zeros where the file has ended. */
async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, at)
  return bytes
}
