import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { mutated } from '../fuzz/mutate'
import { readers } from '../fuzz/readers'

test.each(readers.map((reader) => [reader.name, reader] as const))(
  'the inputs that changes begin with are good, and are changed the same each time: %s',
  async (_, reader) => {
    const folder = mkdtempSync(join(tmpdir(), 'evolmm-fuzz-test-'))
    onTestFinished(() => {
      rmSync(folder, { recursive: true })
    })
    const corpus = await reader.corpus(folder)
    const input = () => Buffer.from(mutated(corpus, reader, 3, 5)).toString('hex')
    expect(input()).toBe(input())
    const others = Array.from({ length: 20 }, (__, i) =>
      Buffer.from(mutated(corpus, reader, 3, i)).toString('hex'),
    )
    expect(new Set(others).size).toBeGreaterThan(15)
    for (const good of corpus) await reader.read(good, join(folder, 'read'))
  },
)
