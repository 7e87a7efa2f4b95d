/** The tiny checkpoint as the prompt tests use it, and copies of it with some files changed. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { loadTokenizer } from '../src/prompt/load-tokenizer'

export const tiny = join(import.meta.dirname, 'fixtures/qwen2_5_vl-tiny')

export const expected = {
  tokens: new Map([
    ['<|image_pad|>', 613],
    ['<|video_pad|>', 614],
    ['<|vision_start|>', 610],
    ['<|vision_end|>', 611],
  ]),
  vocabularySize: 640,
}

export const loadTiny = () => loadTokenizer({ folder: tiny, ...expected })

export function readFixture(path: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', path), 'utf8'))
}

/** A folder with the given files: JSON, text, bytes, or `true` for a copy of the tiny checkpoint's. */
export function folderWith(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-prompt-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name)
    if (content === true) cpSync(join(tiny, name), file)
    else if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(file, content)
    else writeFileSync(file, JSON.stringify(content))
  }
  return folder
}

export const coded = (code: string, message?: RegExp) =>
  expect.objectContaining({
    name: 'EvolmmError',
    code,
    ...(message && { message: expect.stringMatching(message) as string }),
  }) as Error
