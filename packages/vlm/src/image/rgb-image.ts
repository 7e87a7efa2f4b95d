/** Pixels as all of the package handles them: 8 bits, red, green and blue, without alpha. */
export interface RgbImage {
  /** Pixels. */
  width: number
  /** Pixels. */
  height: number
  /** Rows from the top, [height, width, 3]. */
  data: Uint8Array
}
