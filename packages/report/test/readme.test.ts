/** The example of the README as it is written, on a run of three steps. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { checkHtml } from './support/check-html'
import { sampleRunFile } from './support/sample-run'

test('the page of a method that has a table of numbers and nothing else', async () => {
  const home = mkdtempSync(join(tmpdir(), 'evolmm-report-'))
  const before = process.cwd()
  try {
    process.chdir(home)
    mkdirSync('runs/lessons', { recursive: true })
    const run = { ...sampleRunFile({ steps: 3 }), images: undefined }
    writeFileSync('runs/lessons/run.json', JSON.stringify(run))
    const lines = [4, 2, 1].map((loss, i) => JSON.stringify({ step: i + 1, loss }))
    writeFileSync('runs/lessons/log.jsonl', `${lines.join('\n')}\n`)
    const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))
    expect(printed.map((file) => relative(process.cwd(), file))).toEqual(promised)
    const { problems, text } = checkHtml(readFileSync('runs/lessons/report.html', 'utf8'))
    expect(problems).toEqual([])
    const words = text.replace(/\s+/g, ' ')
    expect(words).toContain('A run of 3 iterations.')
    expect(words).toContain('Loss 4.00 1.00 −3.00')
    expect(words).toContain('Learning Loss')
    expect(words).toContain('Made from run.json and log.jsonl')
  } finally {
    process.chdir(before)
    rmSync(home, { recursive: true })
  }
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(new URL('..', import.meta.url))).toEqual([])
})
