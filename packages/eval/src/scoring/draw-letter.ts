/**
 * The letter that stands in for an answer without one. lmms-eval draws from one sequence per run, so that its letters
 * depend on the order of all rows before; ours depends on the seed and the row alone, and survives a resumed run.
 */
import { philox4x32 } from '@evolmm/internal'

export function drawLetter(letters: readonly string[], seed: number, row: string): string | undefined {
  const [word] = philox4x32([hash(row), 0, 0, 0], [seed, 0])
  return letters[Math.floor((word / 2 ** 32) * letters.length)]
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
