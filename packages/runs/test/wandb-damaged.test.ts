/**
 * Settings that cannot be, files of a run that were changed, answers of another form: one typed error each, and nothing is
 * overwritten.
 */
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
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

test('a journal whose line has no end is refused before it fills the memory', async () => {
  await run(1, 3, { mode: 'offline' })
  truncateSync(join(at.folder, 'wandb', 'journal.jsonl'), 2 ** 36)
  expect(await codeOf(() => syncWandb(at.folder, connection()))).toBe('UNREADABLE_FILE')
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

const bucket = { name: 'r', project: { name: 'p', entity: { name: 'e' } } }

test.each<[answer: unknown, good: boolean]>([
  // A server that has nothing to say of errors, or not everything of the run.
  [{ errors: null, data: { upsertBucket: { bucket } } }, true],
  [{ data: { upsertBucket: { bucket: { ...bucket, name: null, historyLineCount: null } } } }, true],
  ...[
    ...[
      null,
      7,
      [],
      { errors: [null] },
      { errors: [7], data: {} },
      { data: 7 },
      { data: { upsertBucket: 7 } },
    ],
    ...[
      ...[
        null,
        7,
        { ...bucket, name: 7 },
        { ...bucket, historyLineCount: 'x' },
        { ...bucket, logLineCount: -1 },
      ],
      ...[
        null,
        { name: 7 },
        { name: 'p', entity: { name: '' } },
        { name: '\ud800', entity: { name: 'e' } },
      ].map((project) => ({ ...bucket, project })),
    ].map((each) => ({ data: { upsertBucket: { bucket: each } } })),
  ].map((answer): [unknown, boolean] => [answer, false]),
])('an answer of %j is taken, or is one typed error', async (answer, good) => {
  await run(1, 3, { mode: 'offline' })
  const fetch = () => Promise.resolve(Response.json(answer))
  const code = await codeOf(() => syncWandb(at.folder, connection({ fetch })))
  expect(code).toBe(good ? undefined : 'WANDB_REFUSED')
})

test.each<unknown>([
  ...[null, 7, {}, { files: null }, { files: [null] }, { files: [{ uploadUrl: 7 }] }],
  { files: [{ uploadUrl: 'http://' }] },
  ...[7, [7, 'a\nb:c'], [': x']].map((uploadHeaders) => ({ files: [{ uploadUrl: 'a' }], uploadHeaders })),
])('where a picture should go by %j, it is left out and the numbers come', async (createRunFiles) => {
  await run(1, 3, { mode: 'offline' })
  const journal = join(at.folder, 'wandb', 'journal.jsonl')
  mkdirSync(join(at.folder, 'wandb', 'media'), { recursive: true })
  writeFileSync(join(at.folder, 'wandb', 'media', 'a.png'), 'picture')
  writeFileSync(journal, readFileSync(journal, 'utf8').replace('"media":[]', '"media":["media/a.png"]'))
  const fetch = () => Promise.resolve(Response.json({ data: { upsertBucket: { bucket }, createRunFiles } }))
  expect(await syncWandb(at.folder, connection({ fetch }))).toMatchObject({ uploaded: 3 })
})

test('a journal whose folder has a name that no system takes is one typed error', async () => {
  await run(1, 3, { mode: 'offline' })
  const path = join(at.folder, 'wandb.json')
  const state: unknown = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ ...Object(state), directory: 'x'.repeat(5000) }))
  expect(await codeOf(() => syncWandb(at.folder, connection()))).toBe('UNWRITABLE_FILE')
})
