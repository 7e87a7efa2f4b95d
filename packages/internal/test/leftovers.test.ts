import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeLeftovers, replaceFile } from '../src/node'

test('what killed processes left aside goes, by the beginning of its name; all else stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-leftovers-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  // The very name that replacing a file writes to.
  let aside = ''
  await replaceFile(join(folder, 'day_results.json'), async (output) => {
    aside = readdirSync(folder)[0]
    await output.writeFile('{}')
  })
  writeFileSync(join(folder, aside), '')
  mkdirSync(join(folder, '.day_00050.7-0123abcd.tmp/solver'), { recursive: true })
  for (const name of ['day_notes.tmp', '.night_results.json.7-0123abcd.tmp', '.day_kept'])
    writeFileSync(join(folder, name), '')
  await removeLeftovers(folder, 'day_')
  expect(readdirSync(folder).sort()).toEqual([
    '.day_kept',
    '.night_results.json.7-0123abcd.tmp',
    'day_notes.tmp',
    'day_results.json',
  ])
})
