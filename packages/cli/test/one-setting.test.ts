/** A setting is one row of a schema: the row below is all that there is of it, and everything that a setting has is made of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityOf, number, resolve, schema, settingsMarkdown, text } from '@evolmm/settings'
import { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { normalizeFlags } from '../src/flags'
import { addSettingsCommand } from '../src/settings-command'
import { fakeContext } from './support/run-command'

/** The schema before, and with one row more. */
const before = { place: text('here', 'where it grows', { identity: true }) }
const toy = schema({ name: 'a toy', groups: { Garden: before } })
const richer = schema({
  name: 'a toy',
  groups: {
    Garden: {
      ...before,
      warmth: number(20, 'degrees in the morning', {
        ...{ min: 5, below: 40, env: 'WARMTH', identity: true },
        elsewhere: ['temperature_celsius'],
      }),
    },
  },
})

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-one-setting-'))
})
afterAll(() => {
  rmSync(home, { recursive: true })
})

/** What a command with this schema is told of its settings, or the message with which it ends. */
async function grow(
  settings: typeof toy | typeof richer,
  argv: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ told?: unknown; source?: unknown; written: string; message?: string }> {
  const written = { stdout: '', stderr: '' }
  let read: { settings: unknown; sources: unknown } | undefined
  const context = fakeContext({ environment }, written)
  const program = new Command('toy').exitOverride().configureOutput({
    writeOut: (text) => context.stdout.write(text),
    writeErr: () => undefined,
    getOutHelpWidth: () => 100,
  })
  addSettingsCommand({ program, context, exit: () => undefined }, 'grow', {
    ...{ usage: '', summary: '', description: '', examples: '', schema: settings as typeof richer },
    run: (_, told) => {
      read = told
      return Promise.resolve(undefined)
    },
  })
  try {
    await program.parseAsync(normalizeFlags(['grow', ...argv], program), { from: 'user' })
  } catch (error) {
    return { written: written.stdout, message: (error as Error).message }
  }
  return { told: read?.settings, source: read?.sources, written: written.stdout }
}

const configOf = (values: object): string => {
  writeFileSync(join(home, 'toy.json'), JSON.stringify(values))
  return join(home, 'toy.json')
}

test('the command has its flag, its variable, its key of a file and its default', async () => {
  const file = ['--config', configOf({ warmth: 9 })]
  for (const [argv, environment, warmth, source] of [
    [[], {}, 20, 'default'],
    [file, {}, 9, 'file'],
    [file, { WARMTH: '8' }, 8, 'environment'],
    [[...file, '--warmth', '7.5'], { WARMTH: '8' }, 7.5, 'flag'],
    [['--warmth=7'], {}, 7, 'flag'],
  ] as const)
    expect(await grow(richer, argv, environment)).toMatchObject({
      told: { place: 'here', warmth },
      source: { place: 'default', warmth: source },
    })
})

test('what it may not be is refused by the name that it was given by', async () => {
  const rule = 'must be a finite number at least 5 and below 40'
  for (const [argv, environment, message] of [
    [['--warmth', '40'], {}, `--warmth: ${rule}, got 40`],
    [['--warmth', 'mild'], {}, `--warmth: ${rule}, got "mild"`],
    [[], { WARMTH: '4' }, `WARMTH: ${rule}, got 4`],
    [['--config', configOf({ warmth: 41 })], {}, `toy.json: warmth: ${rule}, got 41`],
    [['--temperature_celsius', '7'], {}, '--warmth'],
  ] as const)
    expect((await grow(richer, argv, environment)).message).toContain(message)
})

test('the help and the page of settings have one line more', async () => {
  const linesOf = async (settings: typeof toy | typeof richer) =>
    (await grow(settings, ['--help'])).written.split('\n').map((line) => line.replace(/\s+/g, ' ').trim())
  const [less, more] = [await linesOf(toy), await linesOf(richer)]
  expect(more.filter((line) => !less.includes(line))).toEqual([
    '--warmth <x> degrees in the morning (default: 20)',
  ])
  const rowsOf = (settings: typeof toy | typeof richer) =>
    settingsMarkdown(settings as typeof richer)
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' '))
  expect(rowsOf(richer).filter((line) => /warmth/i.test(line))).toEqual([
    '| `--warmth` | `WARMTH` | 20 | degrees in the morning |',
  ])
  expect(rowsOf(richer)).toHaveLength(rowsOf(toy).length + 1)
})

test('the library has its option, checks and type, and it counts for what a run is', () => {
  const { warmth }: { warmth: number } = resolve(richer, { warmth: 12 })
  expect([warmth, resolve(richer, {}).warmth]).toEqual([12, 20])
  expect(() => resolve(richer, { warmth: 4 })).toThrow(/^warmth: must be .* at least 5 and below 40, got 4/)
  // @ts-expect-error It is a number.
  expect(() => resolve(richer, { warmth: 'mild' })).toThrow(/^warmth: must be a finite number/)
  expect(identityOf(richer, resolve(richer, { warmth: 12 }))).toEqual({ place: 'here', warmth: 12 })
})

test('without the row there is nothing of it', async () => {
  expect((await grow(toy, ['--warmth', '7'])).message).toContain("unknown option '--warmth'")
  expect((await grow(toy, [], { WARMTH: '7' })).told).toEqual({ place: 'here' })
  expect((await grow(toy, ['--config', configOf({ warmth: 9 })])).message).toMatch(/toy\.json.*warmth/)
  // @ts-expect-error The schema has no such setting.
  expect(() => resolve(toy, { warmth: 12 })).toThrow(/warmth/)
})
