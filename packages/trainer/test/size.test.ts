import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Lines with code on them, of a file and of all below a folder. */
function codeLines(path: URL, beside: readonly string[] = []): number {
  const lines = readdirSync(path, { withFileTypes: true }).map((entry) => {
    if (beside.includes(entry.name)) return 0
    if (entry.isDirectory()) return codeLines(new URL(`${entry.name}/`, path))
    const text = readFileSync(new URL(entry.name, path), 'utf8').replaceAll(/^ *\/\*\*.*?\*\/$/gms, '')
    return text.split('\n').filter((line) => /\S/.test(line) && !/^ *\/\//.test(line)).length
  })
  return lines.reduce((sum, count) => sum + count, 0)
}

test('the trainer stays thin: the loop, checkpoints and runs are under 1,500 lines of code', () => {
  const source = new URL('../src/', import.meta.url)
  // Beside the loop: where records go, the page made of them, and supervised learning.
  const count = codeLines(source, ['trackers', 'report', 'warmup'])
  expect(count, fileURLToPath(source)).toBeLessThan(1500)
  expect(count).toBeGreaterThan(500)
})
