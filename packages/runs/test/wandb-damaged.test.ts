/** Settings that cannot be and files of a run that were changed: one typed error each, and nothing is uploaded or overwritten. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { syncWandb, wandb } from '../src'
import { entry } from './support/entries'
import { codeOf, wandbRun } from './support/wandb-run'
import { apiKey } from './support/wandb-server'

const { at, options, connection, open, run } = wandbRun()

test('what cannot be is one typed error, at once', async () => {
  const none = { environment: {} }
  expect(await codeOf(() => wandb(options(none)))).toBe('WANDB_KEY_MISSING')
  expect(await codeOf(() => wandb(options({ apiKey: 'two\nlines' })))).toBe('WANDB_KEY_MISSING')
  expect(await codeOf(() => wandb({ environment: { WANDB_MODE: 'sometimes' } }))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ runId: 'a/b' })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ baseUrl: 'nowhere' })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ baseUrl: `http://me:${apiKey}@host` })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ imagesEvery: -1 })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => open().log(entry(1)))).toBe('NOT_STARTED')
  expect(await codeOf(() => syncWandb(at.folder, connection()))).toBe('WANDB_NOTHING_TO_SYNC')
})

test.each([
  '{}',
  'null',
  ...['"config":null', '"config":[]', '"started":"x"', '"entity":1', '"sent":-1', '"output_base":null'],
  ...['"resume_checked":0', '"exit_code":"x"', '"completed":null', '"history_base":1.5'],
])('a wandb.json with %s is one typed error, and stays', async (part) => {
  await run(1, 3, { mode: 'offline' })
  const path = join(at.folder, 'wandb.json')
  const whole = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))
  const field = /^"\w+":/.exec(part)?.[0]
  const damaged =
    field === undefined ? part : whole.replace(new RegExp(`${field}(\\{[^}]*\\}|"[^"]*"|[^,}]*)`), part)
  expect(damaged).not.toBe(whole)
  writeFileSync(path, damaged)
  expect(await codeOf(() => syncWandb(at.folder, connection()))).toBe('WANDB_STATE_DAMAGED')
  expect(await codeOf(() => run(1, 1))).toBe('WANDB_STATE_DAMAGED')
  expect(readFileSync(path, 'utf8')).toBe(damaged)
})

test.each([
  ['"_step":2', '"_step":x'],
  ['"_step":3', '"_step":null'],
  ['"media":[]', '"media":null'],
  ['"media":[]', '"media":["../../secret.txt"]'],
  ['"media":[]', '"media":["media/../../../secret.txt"]'],
  ['"media":[]', '"media":["/etc/passwd"]'],
  ['"media":[]', '"media":["journal.jsonl"]'],
])('a journal that says %s as %s is left as it is', async (good, bad) => {
  await run(1, 3, { mode: 'offline' })
  const path = join(at.folder, 'wandb', 'journal.jsonl')
  const damaged = readFileSync(path, 'utf8').replace(good, bad)
  expect(damaged).toContain(bad)
  writeFileSync(path, damaged)
  expect(await codeOf(() => syncWandb(at.folder, connection()))).toBe('WANDB_JOURNAL_DAMAGED')
  expect(readFileSync(path, 'utf8')).toBe(damaged)
})

test('a picture that is a link to a file elsewhere is not uploaded', async () => {
  await run(1, 3, { mode: 'offline' })
  const journal = join(at.folder, 'wandb', 'journal.jsonl')
  writeFileSync(join(at.folder, 'secret.txt'), 'secret')
  mkdirSync(join(at.folder, 'wandb', 'media'), { recursive: true })
  symlinkSync(join(at.folder, 'secret.txt'), join(at.folder, 'wandb', 'media', 'a.png'))
  writeFileSync(journal, readFileSync(journal, 'utf8').replace('"media":[]', '"media":["media/a.png"]'))
  expect(await codeOf(() => syncWandb(at.folder, connection()))).toBe('WANDB_JOURNAL_DAMAGED')
})

test.each(['..', '../other', '/etc', '/tmp/wandb/evolmm-other'])(
  'a journal in %s is none of the run',
  async (directory) => {
    await run(1, 3, { mode: 'offline' })
    const path = join(at.folder, 'wandb.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), directory }))
    expect(await codeOf(() => syncWandb(at.folder, connection()))).toBe('WANDB_STATE_DAMAGED')
  },
)
