/**
 * Runs a code block of a package's README, or of its page in `docs`, as a user would, and compares what it prints with what the README says
 * it prints: each `console.log(...)` of the block ends in a comment that holds the printed line.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { vi } from 'vitest'

/** Numbers of the blocks that were run here, by page. */
const ran = new Map<string, Set<number>>()

/**
 * Lines printed by the `index`-th ```ts block of a page, which is the README of the package in `folder` or `page`, a path
 * from there, and the lines that its comments promise. The block is run as code of that package.
 */
export async function runReadmeExample(
  folder: string | URL,
  index = 0,
  page = 'README.md',
): Promise<{ printed: string[]; promised: string[] }> {
  const root = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const file = join(root, page)
  const block = blocksOf(file).at(index)
  if (block === undefined) throw new Error(`${file} has no ts block ${index}`)
  ran.set(file, new Set(ran.get(file)).add(index))
  const promised = [...block.matchAll(/console\.log\(.*\) *\/\/ (.*)$/gm)].map((match) => match[1])

  // Beside the package's sources, so that its own name and its dependencies resolve.
  const scratch = mkdtempSync(join(root, 'test/.readme-'))
  const printed: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
    printed.push(format(...values))
  })
  try {
    const example = join(scratch, 'example.ts')
    writeFileSync(example, block)
    await import(/* @vite-ignore */ pathToFileURL(example).href)
  } finally {
    log.mockRestore()
    rmSync(scratch, { recursive: true })
  }
  return { printed, promised }
}

/** The ```ts blocks of a page that no test of this file has run before; it stands in the last test. */
export function readmeExamplesLeft(folder: string | URL, page = 'README.md'): string[] {
  const root = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const file = join(root, page)
  return blocksOf(file).filter((_, index) => !ran.get(file)?.has(index))
}

function blocksOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block)
}
