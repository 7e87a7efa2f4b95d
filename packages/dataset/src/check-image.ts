/**
 * An image can be used if all of it can be decoded, with bounded memory. The cheap questions come first: is there a
 * file with content, of which format do its first bytes speak, how many pixels does its header declare. Only then is
 * it decoded, row by row, into one average pixel.
 */
import { checkNames, checkText, isLfsPointer, lfsPointerRule } from '@evolmm/internal'
import { open, stat } from 'node:fs/promises'
import sharp, { type SharpOptions } from 'sharp'
import { endsEarly } from './ends-early'
import { formatOfContent, formatOfName, headSize, whyUndecodable, type ImageFormat } from './image-formats'
import { checkRules, type UsabilityRules } from './options'
import { alone, amongOthers } from './decode-order'

export type CheckOptions = Partial<UsabilityRules>

const checkReasons = [
  /** The file has no bytes. */
  'empty',
  /** Not there, not a file, or reading it is refused. */
  'unreadable',
  /** An image of another format than its extension says. */
  'wrong-extension',
  /** The file ends before its content does. */
  'truncated',
  /** Not an image at all, or its pixels do not decode. */
  'corrupted',
  /** More pixels than `maxPixels`; not decoded. */
  'too-large',
  /** A format or compression that sharp's prebuilt library lacks. */
  'unsupported',
] as const

export type CheckReason = (typeof checkReasons)[number]

export function isCheckReason(value: unknown): value is CheckReason {
  return (checkReasons as readonly unknown[]).includes(value)
}

export type CheckResult =
  /** Width and height in pixels as stored, before any EXIF rotation. */
  | { usable: true; width: number; height: number; format: ImageFormat }
  | { usable: false; reason: CheckReason; detail: string }

export async function checkImage(path: string, options: CheckOptions = {}): Promise<CheckResult> {
  checkNames('checkImage', options, { maxPixels: true, acceptWrongExtension: true })
  checkText('path', path)
  const { maxPixels, acceptWrongExtension } = checkRules(options)
  let head
  try {
    const found = await stat(path)
    if (!found.isFile()) return unusable('unreadable', 'it is not a regular file')
    if (found.size === 0) return unusable('empty', 'the file has no bytes')
    head = await readHead(path)
  } catch (error) {
    return unusable('unreadable', messageOf(error))
  }

  if (isLfsPointer(head)) return unusable('corrupted', lfsPointerRule)
  const format = formatOfContent(head)
  if (format === undefined)
    return unusable('corrupted', 'its first bytes are not those of an image format that is known')
  if (format !== formatOfName(path) && !acceptWrongExtension)
    return unusable('wrong-extension', `its content is ${format}; rename it or accept wrong extensions`)
  const lacking = whyUndecodable(format)
  if (lacking !== undefined) return unusable('unsupported', lacking)

  let header = await attempt(amongOthers, () => readSize(path))
  if (!header.ok) header = await attempt(alone, () => readSize(path))
  if (!header.ok) return judgeFailure(path, format, header.message)
  const size = header.value
  if (size.width * size.height > maxPixels)
    return unusable('too-large', `it declares ${size.width}x${size.height} pixels, more than ${maxPixels}`)

  const decoded = await attempt(amongOthers, () => decode(path, size, 'warning'))
  if (decoded.ok) return { usable: true, ...size, format }
  const lenient = await attempt(alone, () => decode(path, size, 'error'))
  if (!lenient.ok) return judgeFailure(path, format, lenient.message)
  // It decodes, with a warning. Pillow takes it as it is; we do so unless the warning says that pixels are damaged.
  const strict = await attempt(alone, () => decode(path, size, 'warning'))
  if (!strict.ok && damagedPixels.test(strict.message)) return unusable('corrupted', strict.message)
  return { usable: true, ...size, format }
}

/** Warnings of libjpeg and of the GIF decoder after which they fill in pixels of their own invention. */
const damagedPixels =
  /bad Huffman code|bad arithmetic code|premature end of data segment|instead of RST|Invalid frame data/

const notBuiltIn = /not configured|not implemented|Unsupported (feature|codec)/

interface Size {
  width: number
  height: number
}

function input(path: string, failOn: SharpOptions['failOn']) {
  // Pixels have been counted by the time anything is decoded.
  return sharp(path, { failOn, limitInputPixels: false, sequentialRead: true })
}

async function readSize(path: string): Promise<Size> {
  const { width, height } = await input(path, 'none').metadata()
  return { width, height }
}

/**
 * Decodes every pixel and keeps one. The crop to the whole image looks idle but keeps the decoder from decoding at a
 * reduced size, at which it overlooks damage.
 */
async function decode(path: string, { width, height }: Size, failOn: SharpOptions['failOn']): Promise<void> {
  const everything = input(path, failOn).extract({ left: 0, top: 0, width, height })
  await everything.resize({ width: 1, height: 1, fit: 'fill' }).raw().toBuffer()
}

type Attempt<T> = { ok: true; value: T } | { ok: false; message: string }

async function attempt<T>(
  schedule: (task: () => Promise<T>) => Promise<T>,
  task: () => Promise<T>,
): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await schedule(task) }
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}

async function judgeFailure(path: string, format: ImageFormat, message: string): Promise<CheckResult> {
  if (notBuiltIn.test(message)) return unusable('unsupported', message)
  // The file may have vanished meanwhile; that it could not be decoded is true all the same.
  const early = await endsEarly(path, format, message).catch(() => false)
  return unusable(early ? 'truncated' : 'corrupted', message)
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headSize), 0, headSize, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Keeps the first line: libvips repeats itself once per row. */
function unusable(reason: CheckReason, message: string): CheckResult {
  return { usable: false, reason, detail: message.split('\n', 1).join() }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
