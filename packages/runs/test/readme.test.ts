/** The example of the README as it is written. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'

test('the method of the README runs, and runs on when it is called again', async () => {
  const home = mkdtempSync(join(tmpdir(), 'evolmm-runs-'))
  const before = process.cwd()
  try {
    process.chdir(home)
    for (let i = 0; i < 2; i++) {
      const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))
      expect(printed).toEqual(promised)
    }
    expect(
      readdirSync('runs/descent')
        .filter((name) => !name.startsWith('events.'))
        .sort(),
    ).toEqual(['log.jsonl', 'run.json', 'step_00030'])
  } finally {
    process.chdir(before)
    rmSync(home, { recursive: true })
  }
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(new URL('..', import.meta.url))).toEqual([])
})
