/**
 * What Pillow puts where the first frame of a GIF shows nothing. libnsgif leaves those pixels transparent, or in the
 * background colour; Pillow, with alpha dropped, shows the palette's colour of the transparent index, or of index 0
 * outside a frame that has no transparent index.
 */

interface FirstFrame {
  left: number
  top: number
  right: number
  bottom: number
  /** Three bytes per colour, of the frame or else of the screen. */
  palette: Uint8Array
  transparent: number | undefined
}

/** Decoded `rgba` [height, width, 4] of the GIF in `bytes` to RGB [height, width, 3] and alpha [height, width]. */
export function fillLikePillow(
  rgba: Uint8Array,
  bytes: Uint8Array,
  width: number,
): { rgb: Uint8Array; alpha: Uint8Array } {
  const { left, top, right, bottom, palette, transparent } = readFirstFrame(bytes)
  const fill = (transparent ?? 0) * 3
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  const alpha = new Uint8Array(rgba.length / 4).fill(255)
  for (let pixel = 0, from = 0, to = 0; to < rgb.length; pixel++, from += 4, to += 3) {
    const x = pixel % width
    const y = (pixel - x) / width
    const inside = x >= left && x < right && y >= top && y < bottom
    const shown = inside && (rgba[from + 3] > 0 || transparent === undefined)
    if (!shown && transparent !== undefined) alpha[pixel] = 0
    for (let c = 0; c < 3; c++) rgb[to + c] = shown ? rgba[from + c] : palette[fill + c]
  }
  return { rgb, alpha }
}

/** Walks the blocks of a GIF that has been decoded, up to its first image. */
function readFirstFrame(bytes: Uint8Array): FirstFrame {
  const word = (at: number) => bytes[at] | (bytes[at + 1] << 8)
  const paletteSize = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0)
  let at = 13 + paletteSize(bytes[10])
  let palette = bytes.subarray(13, at)
  let transparent: number | undefined
  while (bytes[at] === 0x21) {
    if (bytes[at + 1] === 0xf9) transparent = bytes[at + 3] & 1 ? bytes[at + 6] : undefined
    at += 2
    while (bytes[at] > 0) at += bytes[at] + 1
    at++
  }
  const flags = bytes[at + 9]
  if (flags & 0x80) palette = bytes.subarray(at + 10, at + 10 + paletteSize(flags))
  const [left, top] = [word(at + 1), word(at + 3)]
  return { left, top, right: left + word(at + 5), bottom: top + word(at + 7), palette, transparent }
}
