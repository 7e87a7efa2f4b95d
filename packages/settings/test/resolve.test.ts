import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import {
  checkResolved,
  closest,
  describe as describeSettings,
  EvolmmError,
  nameElsewhere,
  identityOf,
  integer,
  nameOption,
  partOf,
  pixelOptions,
  pixelRows,
  resolve,
  schema,
  settingNamed,
  settingsData,
  settingsMarkdown,
  storedIdentity,
  text,
  toggle,
  type GivenOf,
  type SettingsOf,
  type ValuesOf,
} from '../src/index'
import { errorOf, toy, type Grade } from './support/toy'

type Toy = SettingsOf<typeof toy>

test('settings are total and frozen, whatever is given of them', () => {
  const settings = resolve(toy, { seed: 7, lr: undefined })
  expect(Object.keys(settings)).toEqual(Object.keys(toy.rows))
  expect(settings).toMatchObject({ seed: 7, lr: 1e-6, targets: ['q_proj', 'v_proj'] })
  expect(Object.isFrozen(settings) && Object.isFrozen(settings.targets)).toBe(true)
  expect(resolve(toy, settings)).toBe(settings)
})

test('a part of the settings is given to whatever has the same rows', () => {
  const { lr, seed } = toy.rows
  const smaller = schema({ name: 'a part', groups: { All: { lr, seed } } })
  const part = partOf(smaller, resolve(toy, { seed: 7 }))
  expect(part).toEqual({ lr: 1e-6, seed: 7 })
  expect(resolve(smaller, part)).toEqual(part)
})

test('a setting may have to be given only beside others', async () => {
  const copying = schema({
    name: 'a copy',
    groups: {
      All: {
        from: text(null, 'file to read', {
          otherwise: 'none',
          required: ({ list }) => list === false,
          identity: true,
        }),
        list: toggle(false, 'only list files', { identity: true }),
      },
    },
  })
  expect(await errorOf(() => resolve(copying, {}))).toMatchObject({
    message: 'from: must be given, got nothing; give it',
    details: { option: 'from' },
  })
  expect(resolve(copying, { list: true }).from).toBeNull()
  expect(resolve(copying, { from: 'a' }).from).toBe('a')
})

test('what follows another setting is as that one unless it is given', () => {
  expect(resolve(toy, { lr: 3 }).other_lr).toBe(3)
  expect(resolve(toy, { lr: 3, other_lr: null }).other_lr).toBe(3)
  expect(resolve(toy, { lr: 3, other_lr: 4 }).other_lr).toBe(4)
  // As long as it follows, it is nothing that somebody asked for.
  expect(() => resolve(toy, { lr: 3, baseline: 'leave-one-out' })).not.toThrow()
})

test('settings are no plain object, also for JavaScript', async () => {
  expect(() => {
    checkResolved(toy, resolve(toy, {}))
  }).not.toThrow()
  const other = schema({ name: 'another', groups: { All: { seed: integer(1, 'seed', { identity: true }) } } })
  for (const settings of [{ ...resolve(toy, {}) }, resolve(other, {}), null, undefined, 3]) {
    const { code, message } = await errorOf(() => {
      checkResolved(toy, settings)
    })
    expect([code, message]).toEqual([
      'INVALID_OPTION',
      'settings: must be those of a toy as resolve returns them, got other ones; resolve them first',
    ])
  }
  expectTypeOf<ValuesOf<typeof toy>>().not.toExtend<Toy>()
  expectTypeOf<Toy>().toExtend<ValuesOf<typeof toy>>()
})

test.each([
  [{ lr: '1' }, 'lr: must be a finite number at least 0, got "1"; pass such a value'],
  [{ lr: () => 1 }, 'lr: must be a finite number at least 0, got a function; pass such a value'],
  [{ learning_rate: 1 }, 'learning_rate: must be a setting of a toy, got an unknown name; it is lr here'],
  [{ lrr: 1 }, 'lrr: must be a setting of a toy, got an unknown name; did you mean lr?'],
  [{ toString: 1 }, 'toString: must be a setting of a toy, got an unknown name; leave it out'],
  [
    { gamma: 1, reward: 'votes' },
    'gamma: must go with reward agreement, got 1 without; add that or leave this out',
  ],
  [{ min_pixels: 9, max_pixels: 8 }, 'min_pixels: must be at most max_pixels, got 9 and 8; change one'],
  [
    { reward: './mine.mjs#f' },
    'reward: must be the function itself here, got "./mine.mjs#f"; import it and pass it',
  ],
  [
    { reward: 'vote' },
    'reward: must be one of agreement, votes, or a function (./file.mjs#name), got "vote"; did you mean votes?',
  ],
])('what cannot be is one typed error, also for JavaScript: %j', async (given, message) => {
  const error = await errorOf(() => resolve(toy, given as GivenOf<typeof toy>))
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message, details: { option: Object.keys(given)[0] } })
})

sizedTest(
  'no input whatever gives anything but settings or one typed error',
  { inputs: [1000, 3000, 100_000] },
  async ({ count, seed }) => {
    const value = fc.oneof(
      fc.anything(),
      fc.constantFrom(null, NaN, -0, 1e-7, '', '@', '@/', [], [''], {}, '\u0000'),
    )
    const key = fc.oneof(fc.constantFrom(...Object.keys(toy.rows), '__proto__', 'constructor'), fc.string())
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, value, { maxKeys: 4 }), async (given) => {
        try {
          checkResolved(toy, resolve(toy, given as GivenOf<typeof toy>))
        } catch (error) {
          expect(error).toBeInstanceOf(EvolmmError)
          expect((error as EvolmmError).details.option).toBeTypeOf('string')
        }
        return Promise.resolve()
      }),
      { seed, numRuns: count },
    )
  },
)

test('the identity is what comes of a run depends on, some of it only beside other settings', () => {
  const names = (given: GivenOf<typeof toy>) => Object.keys(identityOf(toy, resolve(toy, given)))
  expect(names({})).not.toContain('total_steps')
  expect(names({ schedule: 'cosine' })).toContain('total_steps')
  for (const name of ['data_dir', 'device', 'run_name', 'report']) expect(names({})).not.toContain(name)
})

test('a stored identity is read through the schema of today', () => {
  const now = identityOf(toy, resolve(toy, { lr: 2 }))
  // One from before there was a gamma and an other_lr, with a null for what follows, or with its value.
  const before = Object.fromEntries(
    Object.entries(now).filter(([name]) => !['gamma', 'other_lr'].includes(name)),
  )
  expect(storedIdentity(toy, before)).toEqual(now)
  expect(storedIdentity(toy, { ...before, other_lr: null })).toEqual(now)
  expect(storedIdentity(toy, { ...before, other_lr: 2 })).toEqual(now)
  expect(storedIdentity(toy, { ...before, other_lr: 3 })).not.toEqual(now)
  // What does not count any more does not count, and what nobody knows does.
  expect(storedIdentity(toy, { ...now, device: 'cuda', report: false })).toEqual(now)
  expect(storedIdentity(toy, { ...now, beams: 4 })).toEqual({ ...now, beams: 4 })
})

test('a function of the program is its name in records, and the same in the next run', () => {
  const byLength: Grade = (texts) => texts.map(({ length }) => length)
  const settings = resolve(toy, { reward: byLength })
  expect(settings.reward).toBe(byLength)
  expect(settingsData(toy, settings).reward).toBe('byLength')
  expect(identityOf(toy, settings).reward).toBe('byLength')
  expect(
    resolve(toy, {
      reward: (
        () => (texts) =>
          texts.map(() => 1)
      )(),
    }),
  ).toBeDefined()
})

test('a setting is found by its name, its second name and the name of an option below', () => {
  expect(settingNamed(toy, 'lr')).toBe('lr')
  expect(settingNamed(toy, 'wandb_run_name')).toBe('run_name')
  expect(settingNamed(toy, 'root')).toBe('data_dir')
  expect(settingNamed(toy, 'toString')).toBeUndefined()
})

test('whoever gave a setting by another name reads that name', () => {
  const error = new EvolmmError('INVALID_OPTION', 'root "a": must be there', { details: { option: 'root' } })
  expect(nameOption(error, '--data_dir')).toMatchObject({
    code: 'INVALID_OPTION',
    message: '--data_dir "a": must be there',
    details: { option: 'root' },
    cause: error,
  })
  // One about something else stays as it is.
  const other = new EvolmmError('INVALID_OPTION', 'rootless: must be there', { details: { option: 'root' } })
  expect(nameOption(other, '--data_dir')).toBe(other)
  expect(nameOption(new EvolmmError('INVALID_OPTION', 'root: x'), '--data_dir').message).toBe('root: x')
})

test('a front end may write hints in its own way', () => {
  expect(nameElsewhere(toy, 'learning_rate', (name) => `--${name}`)).toBe('it is --lr here')
  expect(nameElsewhere(toy, 'lrr')).toBeUndefined()
})

test('a name stands once in a schema', () => {
  const row = integer(1, 'x', { identity: true })
  expect(() => schema({ name: 'x', groups: { A: { a: row }, B: { a: row } } })).toThrow(
    /^schema: .* got a twice/,
  )
})

test('one line more is an option, a flag, a variable, a key, a check and documentation', async () => {
  const more = schema({
    name: 'a toy',
    groups: {
      All: { ...toy.rows, beams: integer(1, 'paths to keep', { min: 1, unit: 'paths', identity: true }) },
    },
  })
  const { readSources } = await import('../src/index')
  expect(resolve(more, { beams: 3 }).beams).toBe(3)
  for (const input of [
    { flags: { beams: '3' } },
    { environment: { EVOLMM_BEAMS: '3' } },
    { file: { path: 'a.json', values: { beams: 3 } } },
  ])
    expect((await readSources(more, input)).settings.beams).toBe(3)
  expect((await errorOf(() => resolve(more, { beams: 0 }))).message).toBe(
    'beams: must be an integer at least 1, got 0; pass such a value',
  )
  expect(describeSettings(more).at(-1)).toEqual({
    group: 'All',
    name: 'beams',
    alias: undefined,
    environment: ['EVOLMM_BEAMS'],
    value: 'paths',
    choices: undefined,
    custom: undefined,
    help: 'paths to keep',
    defaultText: '1',
  })
  expect(settingsMarkdown(more)).toMatch(/\| `--beams` +\| `EVOLMM_BEAMS` +\| 1 +\| paths to keep +\|\n$/)
  expect(identityOf(more, resolve(more, {})).beams).toBe(1)
})

test('a word that is far from all others means none of them', () => {
  expect(closest('lorra_r', ['lora_r', 'lr'])).toBe('lora_r')
  expect(closest('zzzzzz', ['lora_r', 'lr'])).toBeUndefined()
})

test('the types are those of the values', () => {
  expectTypeOf<Toy['lr']>().toEqualTypeOf<number>()
  expectTypeOf<Toy['other_lr']>().toEqualTypeOf<number>()
  expectTypeOf<Toy['min_pixels']>().toEqualTypeOf<number | null>()
  expectTypeOf<Toy['baseline']>().toEqualTypeOf<'ema' | 'leave-one-out'>()
  expectTypeOf<Toy['reward']>().toEqualTypeOf<'agreement' | 'votes' | Grade>()
  expectTypeOf<Toy['report']>().toEqualTypeOf<boolean>()
  expectTypeOf<Toy['data_dir']>().toEqualTypeOf<string>()
  expectTypeOf<Toy['run_name']>().toEqualTypeOf<string | null>()
  expectTypeOf<Toy['include']>().toEqualTypeOf<readonly string[] | null>()
  expectTypeOf<Toy['targets']>().toEqualTypeOf<readonly string[]>()
  type Given = GivenOf<typeof toy>
  expectTypeOf<Given['other_lr']>().toEqualTypeOf<number | null | undefined>()
  expectTypeOf<Given['image_cache']>().toEqualTypeOf<number | string | undefined>()
})

const images = schema({ name: 'images', groups: { All: pixelRows } })

test('what settings say of images is handed on by the names that models have', async () => {
  const options = (given: GivenOf<typeof images>) => pixelOptions(resolve(images, given)).imageOptions
  expect(options({})).toEqual({})
  expect(options({ min_pixels: 9, image_options: 'max_tiles=6,pan_and_scan=true' })).toEqual({
    ...{ minPixels: 9, maxTiles: 6, panAndScan: true },
  })
  for (const wrong of ['max_tiles', 'max_tiles=', 'maxTiles=6', 'a=1,,b=2', 'max_pixels=9', 'a=1.5', 'a=yes'])
    expect((await errorOf(() => options({ image_options: wrong }))).message).toMatch(
      /^image_options: must be names and values/,
    )
})
