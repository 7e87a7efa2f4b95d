/**
 * Runs a code block of a package's README as a user would, and compares what it prints with what the README says
 * it prints: each `console.log(...)` of the block ends in a comment that holds the printed line.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { vi } from 'vitest'

/** Lines printed by the `index`-th ```ts block of the README in `folder`, and the lines that its comments promise. */
export async function runReadmeExample(
  folder: string | URL,
  index = 0,
): Promise<{ printed: string[]; promised: string[] }> {
  const root = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const block = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].at(index)?.[1]
  if (block === undefined) throw new Error(`${root}/README.md has no ts block ${index}`)
  const promised = [...block.matchAll(/console\.log\(.*\) *\/\/ (.*)$/gm)].map((match) => match[1])

  // Beside the package's sources, so that its own name and its dependencies resolve.
  const scratch = mkdtempSync(join(root, 'test/.readme-'))
  const printed: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
    printed.push(format(...values))
  })
  try {
    const file = join(scratch, 'example.ts')
    writeFileSync(file, block)
    await import(/* @vite-ignore */ pathToFileURL(file).href)
  } finally {
    log.mockRestore()
    rmSync(scratch, { recursive: true })
  }
  return { printed, promised }
}
