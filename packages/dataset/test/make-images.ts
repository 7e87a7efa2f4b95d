/** Files for tests: folders that vanish afterwards, healthy images, and images broken in known ways. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { onTestFinished } from 'vitest'

/** A new folder with the given files, removed when the test ends. */
export function folderOf(files: Record<string, string | Buffer> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'evolmm-dataset-'))
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true })
  })
  addFiles(root, files)
  return root
}

export function addFiles(root: string, files: Record<string, string | Buffer>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

/** Coloured noise that no format compresses to nothing, different for each seed. */
export function picture(size = 64, seed = 1): Sharp {
  const pixels = Buffer.alloc(size * size * 3)
  let state = seed
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    pixels[i] = state >>> 24
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
}

/** `count` small healthy PNG files with different content, named by `name`. */
export async function healthy(
  count: number,
  name = (i: number) => `images/${String(i).padStart(3, '0')}.png`,
): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {}
  for (let i = 0; i < count; i++)
    files[name(i)] = await picture(2, i + 1)
      .png()
      .toBuffer()
  return files
}

/** A PNG of one IHDR, the given compressed rows and IEND; its checksums are right, its size may be a lie. */
export function craftedPng(width: number, height: number, extra: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const rows = deflateSync(Buffer.alloc(64))
  return Buffer.concat([
    pngSignature,
    pngChunk('IHDR', header),
    extra,
    pngChunk('IDAT', rows),
    pngChunk('IEND'),
  ])
}

const pngSignature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

export function pngChunk(name: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const chunk = Buffer.alloc(12 + data.length)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write(name, 4, 'latin1')
  data.copy(chunk, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length)
  return chunk
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  }
  return ~crc >>> 0
}
