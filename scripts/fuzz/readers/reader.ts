/** What a reader of inputs is, and what several of them need. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { EvolmmError } from '../../../packages/internal/src/index'

export interface FuzzedReader {
  name: string
  /** True for what people could write by hand: its words and numbers are changed, not bytes alone. */
  text: boolean
  corpus: (folder: string) => Promise<Uint8Array[]>
  /** Reads an input; `folder` is empty at first, and the same for all of them. Throws typed errors only. */
  read: (input: Uint8Array, folder: string) => Promise<unknown>
}

export const checkpoint = 'packages/vlm/test/fixtures/qwen2_5_vl-tiny'
export const former = 'packages/cli/test/fixtures/former'
export const run = join(former, 'run')
export const latest = join(run, 'step_00003')

export function files(...paths: string[]): FuzzedReader['corpus'] {
  return () => Promise.resolve(paths.map((path) => readFileSync(path)))
}

export function given(...texts: string[]): FuzzedReader['corpus'] {
  return () => Promise.resolve(texts.map((text) => Buffer.from(text)))
}

/** The input is a file of that name in the folder; `prepare` fills the folder before the first one. */
export function asFile(
  name: string,
  read: (file: string, folder: string) => Promise<unknown>,
  prepare: (folder: string) => void = () => undefined,
): FuzzedReader['read'] {
  const prepared = new Set<string>()
  return async (input, folder) => {
    const file = join(folder, name)
    if (!prepared.has(folder)) {
      prepared.add(folder)
      mkdirSync(dirname(file), { recursive: true })
      prepare(folder)
    }
    writeFileSync(file, input)
    await read(file, folder)
  }
}

/** Does all of it, and throws the error that is worst: none of our types comes before one of them. */
export async function doAll(...steps: (() => unknown)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps)
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  if (errors.length > 0) throw errors.find((error) => !(error instanceof EvolmmError)) ?? errors[0]
}

export async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  while ((await iterator.next()).done !== true);
}
