/**
 * A list of paths that grows to millions without holding a JavaScript string for each: UTF-8 in blocks, plus twelve
 * bytes of bookkeeping per path. Paths must be appended in their final order.
 */
import { createHash } from 'node:crypto'

const blockSize = 1 << 20

export class PathList {
  #blocks: Buffer[] = []
  #used: number[] = []
  #starts = new Float64Array(1024)
  #sizes = new Uint32Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  append(path: string): void {
    if (this.#length === this.#starts.length) this.#grow()
    // One byte more than the text: each path ends in a zero byte, which no path can contain.
    const needed = 3 * path.length + 1
    let last = this.#blocks.length - 1
    if (last < 0 || this.#used[last] + needed > blockSize) {
      last = this.#blocks.push(Buffer.alloc(blockSize)) - 1
      this.#used.push(0)
    }
    const block = this.#blocks[last]
    const at = this.#used[last]
    const size = block.write(path, at, 'utf8')
    this.#starts[this.#length] = last * blockSize + at
    this.#sizes[this.#length] = size
    this.#used[last] = at + size + 1
    this.#length++
  }

  /** The `index`-th path; `index` must be an integer from 0 to `length - 1`. */
  at(index: number): string {
    if (!Number.isInteger(index) || index < 0 || index >= this.#length)
      throw new RangeError(`index: must be from 0 to ${this.#length - 1}, got ${index}`)
    const start = this.#starts[index]
    const at = start % blockSize
    return this.#blocks[Math.floor(start / blockSize)].toString('utf8', at, at + this.#sizes[index])
  }

  /** SHA-256 over all paths in order, as hexadecimal digits: equal for equal lists, wherever their root is. */
  fingerprint(): string {
    const hash = createHash('sha256')
    this.#blocks.forEach((block, i) => hash.update(block.subarray(0, this.#used[i])))
    return hash.digest('hex')
  }

  #grow(): void {
    const starts = new Float64Array(2 * this.#starts.length)
    const sizes = new Uint32Array(2 * this.#sizes.length)
    starts.set(this.#starts)
    sizes.set(this.#sizes)
    this.#starts = starts
    this.#sizes = sizes
  }
}
