/**
 * The image formats that a scan lists: their extensions, how their first bytes look, and whether sharp's prebuilt
 * library decodes them. SVG is left out on purpose: it has no pixels of its own and may refer to other files.
 */
import { extname } from 'node:path'

interface FormatRule {
  extensions: readonly string[]
  /** True if a file that begins with these bytes (as Latin-1 text) is of this format. */
  begins: (head: string) => boolean
  /** Why its images cannot be used, for those that sharp's prebuilt library does not decode. */
  undecodable?: string
}

const formats = {
  png: { extensions: ['.png'], begins: (head) => head.startsWith('\x89PNG\r\n\x1a\n') },
  jpeg: { extensions: ['.jpg', '.jpeg', '.jpe', '.jfif'], begins: (head) => head.startsWith('\xff\xd8\xff') },
  webp: { extensions: ['.webp'], begins: (head) => /^RIFF[^]{4}WEBP/.test(head) },
  gif: { extensions: ['.gif'], begins: (head) => /^GIF8[79]a/.test(head) },
  tiff: { extensions: ['.tif', '.tiff'], begins: (head) => /^(II[*+]\0|MM\0[*+])/.test(head) },
  avif: {
    extensions: ['.avif'],
    begins: (head) => /^[^]{4}ftyp(avi[fs]|(mi|ms)f1[^]{4}[^]*avif)/.test(head),
  },
  heic: {
    extensions: [],
    begins: (head) => /^[^]{4}ftyp(he[ivx]|(mi|ms)f1)/.test(head),
    undecodable: "sharp's prebuilt library has no HEIC decoder; convert it to JPEG or PNG",
  },
  bmp: {
    extensions: ['.bmp'],
    begins: (head) => /^BM[^]{4}\0{4}/.test(head),
    undecodable: "sharp's prebuilt library has no BMP decoder; convert it to PNG",
  },
} as const satisfies Record<string, FormatRule>

export type ImageFormat = keyof typeof formats

/** Bytes of a file's beginning that `formatOfContent` wants to see. */
export const headSize = 32

const names = Object.keys(formats) as ImageFormat[]
const byExtension = new Map<string, ImageFormat>(
  names.flatMap((name) => formats[name].extensions.map((extension) => [extension, name] as const)),
)

/** The format that a file's name announces, whatever the case of its extension. */
export function formatOfName(name: string): ImageFormat | undefined {
  return byExtension.get(extname(name).toLowerCase())
}

/** The format that a file's first bytes announce. */
export function formatOfContent(head: Buffer): ImageFormat | undefined {
  const text = head.toString('latin1')
  return names.find((name) => formats[name].begins(text))
}

export function whyUndecodable(format: ImageFormat): string | undefined {
  const rule: FormatRule = formats[format]
  return rule.undecodable
}
