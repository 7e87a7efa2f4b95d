/**
 * Arrays of numbers with the same type and bytes are equal at once: by itself vitest goes through them value by value,
 * which took half of the time of tests that compare weights. All others are compared as ever.
 */
import { expect } from 'vitest'

// This file runs before each file of tests, and what is added stays for all of them.
const worker = globalThis as { equalBytesAdded?: true }
if (worker.equalBytesAdded !== true) expect.addEqualityTesters([equalBytes])
worker.equalBytesAdded = true

function equalBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined
  const [x, y] = [a, b].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  )
  return x.equals(y) || undefined
}
