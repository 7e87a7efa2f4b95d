/** Runs on disk: what is written, what is refused, and that nothing is damaged on the way. */
import * as fs from 'node:fs/promises'
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openImageDataset } from '@evolmm/dataset'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { findCheckpoints, readCheckpoint, readLog, saveCheckpoint, type Tracker } from '@evolmm/runs'
import { evolmm, loadedState, savedState, startState, train, type IterationRecord } from '../src/index'
import { content } from './support/content'
import { doneRun, type DoneRun } from './support/done-run'
import { timelessLog } from './support/timeless'
import { makeImages, openTiny, tinyFolder } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

vi.mock('node:fs/promises', { spy: true })

let run: DoneRun
beforeAll(async () => {
  run = await doneRun()
})
afterAll(() => run.remove())
afterEach(() => {
  vi.resetAllMocks()
})

const six = { total_steps: 6 }

test('a checkpoint has both roles as PEFT folders with the processor, the state, the moments and the marker', async () => {
  const folder = join(run.done, 'step_00004')
  expect((await readdir(folder)).sort()).toEqual([
    'SAVE_OK',
    'optimizer.safetensors',
    'proposer',
    'solver',
    'trainer_state.json',
  ])
  const peft = ['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'checkpoint_meta.json']
  const processor = ['preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json']
  for (const role of ['solver', 'proposer']) {
    expect(await readdir(join(folder, role))).toEqual(expect.arrayContaining([...peft, ...processor]))
    expect(await readFile(join(folder, role, 'tokenizer.json'))).toEqual(
      await readFile(join(tinyFolder, 'tokenizer.json')),
    )
    const meta: unknown = JSON.parse(await readFile(join(folder, role, 'checkpoint_meta.json'), 'utf8'))
    expect(meta).toMatchObject({ model_name: tinyFolder, is_lora: true, step: 4, role })
  }
})

test('the last checkpoints are kept, and the last iteration always has one', async () => {
  const folder = join(run.home, 'kept')
  await train(tinyTrain(folder, run.images.folder, { save_every: 1, max_checkpoints: 3, total_steps: 5 }))
  expect((await findCheckpoints(folder)).map(({ step }) => step)).toEqual([3, 4, 5])
  const last = join(run.home, 'last')
  await train(tinyTrain(last, run.images.folder, { save_every: 0, total_steps: 3 }))
  expect((await findCheckpoints(last)).map(({ step }) => step)).toEqual([3])
})

test('a finished run that is started again does nothing', async () => {
  const before = await content(run.done)
  expect(await train(tinyTrain(run.done, run.images.folder, { total_steps: 4 }))).toMatchObject({
    step: 4,
    status: 'finished',
  })
  expect(await content(run.done)).toEqual(before)
})

test('a run without a checkpoint yet begins again, and its log with it', async () => {
  const folder = join(run.home, 'unsaved')
  const tripped = tinyTrain(folder, run.images.folder, {
    save_every: 0,
    onRecord: ({ step }: IterationRecord) => {
      if (step === 2) throw new Error('killed, as it were')
    },
    total_steps: 3,
  })
  const save = vi
    .mocked(fs.rename)
    .mockRejectedValue(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'rename' }))
  // Not even run.json could be written.
  await expect(train(tripped)).rejects.toMatchObject({ code: 'UNWRITABLE_FILE' })
  save.mockReset()
  await expect(train(tripped)).rejects.toThrow('killed')
  await rm(join(folder, 'step_00002'), { recursive: true })
  await train(tinyTrain(folder, run.images.folder, { save_every: 0, total_steps: 3 }))
  const steps: number[] = []
  for await (const { step } of readLog(folder, evolmm)) steps.push(step)
  expect(steps).toEqual([1, 2, 3])
})

test('what went wrong after an iteration does not lose it', async () => {
  const folder = join(run.home, 'tripped')
  const options = tinyTrain(folder, run.images.folder, {
    save_every: 0,
    onRecord: ({ step }: IterationRecord) => {
      if (step === 3) throw new Error('somebody else’s bug')
    },
  })
  await expect(train(options)).rejects.toThrow('somebody else’s bug')
  expect((await findCheckpoints(folder)).map(({ step }) => step)).toEqual([3])
})

test.each([
  [
    'a later version',
    (state: object) => JSON.stringify({ ...state, schema_version: 2 }),
    'NEWER_CHECKPOINT',
    /schema version 1 at most, got 2/,
  ],
  [
    'half a file',
    (state: object) => JSON.stringify(state).slice(0, 99),
    'INVALID_CHECKPOINT',
    /must be JSON, got other text/,
  ],
  [
    'another file',
    () => '{"schema_version":1}',
    'INVALID_CHECKPOINT',
    /must be a trainer state of version 1/,
  ],
])('a trainer state that is %s is refused, and nothing is touched', async (_, change, code, message) => {
  const folder = await run.copy()
  const file = join(folder, 'step_00004', 'trainer_state.json')
  await writeFile(file, change(JSON.parse(await readFile(file, 'utf8')) as object))
  const before = await content(folder)
  await expect(train(tinyTrain(folder, run.images.folder, six))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  })
  expect(await content(folder)).toEqual(before)
})

test.each(['optimizer.safetensors', 'solver/adapter_model.safetensors'])(
  'a checkpoint whose %s is cut short is refused, and nothing is touched',
  async (name) => {
    const folder = await run.copy()
    const file = join(folder, 'step_00004', name)
    await writeFile(file, (await readFile(file)).subarray(0, 5000))
    const before = await content(folder)
    await expect(train(tinyTrain(folder, run.images.folder, six))).rejects.toMatchObject({
      code: 'INVALID_SAFETENSORS',
    })
    expect(await content(folder)).toEqual(before)
  },
)

test.each(['optimizer.safetensors', 'proposer/adapter_model.safetensors'])(
  'a checkpoint without its %s is refused by that name, and an earlier one is at hand',
  async (name) => {
    const folder = await run.copy()
    const newest = join(folder, 'step_00004')
    await rm(join(newest, name))
    await expect(train(tinyTrain(folder, run.images.folder, six))).rejects.toMatchObject({
      code: 'UNREADABLE_FILE',
      message: expect.stringMatching(
        new RegExp(
          `^${join(newest, name)}: must be readable, got ENOENT.*; or move ${newest} away to go on from an earlier`,
        ),
      ) as string,
    })
    await rm(newest, { recursive: true })
    expect(await train(tinyTrain(folder, run.images.folder, six))).toMatchObject({ status: 'finished' })
  },
)

test('a checkpoint that was not written to its end is passed over with a warning, and kept aside when its turn comes', async () => {
  const folder = await run.copy()
  await rm(join(folder, 'step_00004', 'SAVE_OK'))
  await writeFile(join(folder, 'step_00004', 'mine.txt'), 'mine')
  const warn = vi.fn()
  await train(tinyTrain(folder, run.images.folder, { total_steps: 4, onWarning: warn }))
  expect(warn.mock.calls.flat().join()).toMatch(/step_00004: was not written to its end; it is passed over/)
  expect((await findCheckpoints(folder)).map(({ step, complete }) => [step, complete])).toEqual([
    [2, true],
    [4, true],
  ])
  const aside = (await readdir(folder)).find((name) => name.startsWith('step_00004.unfinished')) ?? ''
  expect(await readFile(join(folder, aside, 'mine.txt'), 'utf8')).toBe('mine')
})

test('other images are refused', async () => {
  const folder = await run.copy()
  const others = await makeImages(5)
  const before = await content(folder)
  await expect(train(tinyTrain(folder, others.folder, six))).rejects.toMatchObject({ code: 'STATE_MISMATCH' })
  expect(await content(folder)).toEqual(before)
  await others.remove()
})

test.each([
  ['ENOSPC', 'no space left on device'],
  ['EROFS', 'read-only file system'],
])(
  'a disk that answers %s when a checkpoint is written ends the run; the older checkpoints stand',
  async (code, text) => {
    const folder = await run.copy()
    const real = (await vi.importActual<typeof fs>('node:fs/promises')).open
    vi.mocked(fs.open).mockImplementation(async (path, ...rest) => {
      const handle = await real(path, ...rest)
      if (String(path).includes('step_00006'))
        handle.writeFile = () =>
          Promise.reject(Object.assign(new Error(`${code}: ${text}, write`), { code, syscall: 'write' }))
      return handle
    })
    await expect(train(tinyTrain(folder, run.images.folder, six))).rejects.toMatchObject({
      code: 'UNWRITABLE_FILE',
      message: expect.stringContaining(text) as string,
    })
    vi.mocked(fs.open).mockReset()
    expect((await findCheckpoints(folder)).map(({ step, complete }) => [step, complete])).toEqual([
      [2, true],
      [4, true],
    ])
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
    // With room again the run goes on, to the end that it would have had.
    expect(await train(tinyTrain(folder, run.images.folder, six))).toMatchObject({
      step: 6,
      status: 'finished',
    })
    const whole = join(run.home, 'whole-six')
    if ((await stat(whole).catch(() => undefined)) === undefined)
      await train(tinyTrain(whole, run.images.folder, six))
    const weights = (run: string) => readFile(join(run, 'step_00006/solver/adapter_model.safetensors'))
    expect(await weights(folder)).toEqual(await weights(whole))
  },
)

test('a folder that cannot be made is one clear error', async () => {
  await writeFile(join(run.home, 'file'), '')
  await expect(train(tinyTrain(join(run.home, 'file', 'run'), run.images.folder))).rejects.toMatchObject({
    code: 'UNWRITABLE_FILE',
  })
})

test('a run that another process has is refused; one that died has let it go', async () => {
  const folder = await run.copy()
  const { hostname } = await import('node:os')
  await writeFile(join(folder, 'run.lock'), `${process.ppid} ${hostname()}`)
  await expect(train(tinyTrain(folder, run.images.folder, six))).rejects.toMatchObject({
    code: 'OUTPUT_IN_USE',
    message: expect.stringMatching(new RegExp(`got process ${process.ppid} at work`)) as string,
  })
  await writeFile(join(folder, 'run.lock'), `4194305 ${hostname()}`)
  expect(await train(tinyTrain(folder, run.images.folder, { total_steps: 4 }))).toMatchObject({
    step: 4,
  })
  expect(await readdir(folder)).not.toContain('run.lock')
})

test('never resuming refuses a run that was begun; a checkpoint of choice begins a branch', async () => {
  await expect(
    train(tinyTrain(run.done, run.images.folder, { ...six, resume: 'never' })),
  ).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
  })
  const branch = join(run.home, 'branch')
  await train(tinyTrain(branch, run.images.folder, { ...six, resume: join(run.done, 'step_00002') }))
  const whole = join(run.home, 'whole-six')
  if ((await stat(whole).catch(() => undefined)) === undefined)
    await train(tinyTrain(whole, run.images.folder, six))
  const weights = (run: string) => readFile(join(run, 'step_00006/solver/adapter_model.safetensors'))
  expect(await weights(branch)).toEqual(await weights(whole))
  expect(await timelessLog(branch)).toEqual(await timelessLog(whole))
  // From an old checkpoint into the run that has later ones.
  await expect(
    train(tinyTrain(run.done, run.images.folder, { ...six, resume: join(run.done, 'step_00002') })),
  ).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
    message: expect.stringMatching(/the later checkpoint .*step_00004/) as string,
  })
  await expect(
    train(tinyTrain(join(run.home, 'x'), run.images.folder, { resume: run.home })),
  ).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
  })
})

test('what somebody else left in the folder is not written over', async () => {
  // As the released code leaves it.
  const released = join(run.home, 'released')
  await mkdir(released)
  await writeFile(join(released, 'iter_log.jsonl'), '{"step":1}\n')
  await expect(train(tinyTrain(released, run.images.folder))).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
  })
  expect(await readFile(join(released, 'iter_log.jsonl'), 'utf8')).toBe('{"step":1}\n')
  const nameless = await run.copy()
  await rm(join(nameless, 'run.json'))
  await rm(join(nameless, 'iter_log.jsonl'))
  const before = await content(nameless)
  await expect(train(tinyTrain(nameless, run.images.folder, { resume: 'never' }))).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
    message: expect.stringContaining('the checkpoint') as string,
  })
  expect(await content(nameless)).toEqual(before)
})

test('a branch needs the log of the run that it comes from', async () => {
  const lonely = join(run.home, 'lonely')
  await cp(join(run.done, 'step_00002'), join(lonely, 'step_00002'), { recursive: true })
  await expect(
    train(
      tinyTrain(join(run.home, 'branch-of-none'), run.images.folder, {
        ...six,
        resume: join(lonely, 'step_00002'),
      }),
    ),
  ).rejects.toMatchObject({ code: 'LOG_NOT_FOUND' })
  expect(await readdir(run.home)).not.toContain('branch-of-none')
})

test('a log that cannot be synced is one that no checkpoint may rely on', async () => {
  const folder = await run.copy()
  const real = (await vi.importActual<typeof fs>('node:fs/promises')).open
  vi.mocked(fs.open).mockImplementation(async (path, ...rest) => {
    const handle = await real(path, ...rest)
    if (String(path).endsWith('iter_log.jsonl') && rest[0] !== 'r+')
      handle.sync = () => Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }))
    return handle
  })
  await expect(train(tinyTrain(folder, run.images.folder, six))).rejects.toMatchObject({
    code: 'UNWRITABLE_FILE',
    message: expect.stringMatching(/iter_log\.jsonl: must have every iteration, safe on disk/) as string,
  })
  vi.mocked(fs.open).mockReset()
  expect((await findCheckpoints(folder)).map(({ step }) => step)).toEqual([2, 4])
  expect(await train(tinyTrain(folder, run.images.folder, six))).toMatchObject({
    step: 6,
    status: 'finished',
  })
})

test('a signal in the middle of a save lets it come to its end', async () => {
  const folder = join(run.home, 'stopped-in-save')
  const stop = new AbortController()
  const stopping: Tracker = {
    name: 'stopping',
    flush: () => {
      stop.abort()
    },
  }
  const options = tinyTrain(folder, run.images.folder, { ...six, trackers: [stopping], signal: stop.signal })
  expect(await train(options)).toMatchObject({ step: 2, status: 'stopped' })
  expect((await findCheckpoints(folder)).map(({ step, complete }) => [step, complete])).toEqual([[2, true]])
})

test('a state is saved and loaded before anything was learned as well', async () => {
  const vlm = await openTiny()
  const folder = join(run.home, 'fresh')
  await mkdir(folder)
  const adapter = (seed: number) => vlm.createAdapter({ rank: 4, seed })
  const state = startState({ solver: adapter(1), proposer: adapter(2) })
  const model = { vlm, name: 'tiny' }
  const dataset = (await openImageDataset({ root: run.images.folder })).state
  const saved = await saveCheckpoint({
    ...{ folder, step: state.step, identity: {} },
    state: savedState(state, { dataset, models: { solver: model, proposer: model } }),
  })
  const kind = { vlm, vision: false }
  const loaded = await loadedState(await readCheckpoint(saved), { models: { solver: kind, proposer: kind } })
  expect(loaded.state.solver).toMatchObject({ optimizer: null, baseline: null, kl: null, updates: 0 })
  expect(loaded.state.proposer.adapter.parameters).toEqual(state.proposer.adapter.parameters)
  await vlm.dispose()
})

test('all weights: a run that trains them stops, resumes and saves checkpoints that load', async () => {
  const settings = {
    ...{ use_lora_solver: false, use_lora_proposer: false },
    ...{ lora_r: undefined, lora_alpha: undefined, lora_targets: undefined },
    ...{ total_steps: 4, lr: 1e-5 },
  }
  const whole = join(run.home, 'full')
  await train(tinyTrain(whole, run.images.folder, settings))
  const parts = join(run.home, 'full-parts')
  const stop = new AbortController()
  await train(
    tinyTrain(parts, run.images.folder, {
      ...settings,
      signal: stop.signal,
      onRecord: ({ step }: IterationRecord) => {
        if (step === 2) stop.abort()
      },
    }),
  )
  await train(tinyTrain(parts, run.images.folder, settings))
  const weights = (run: string) => readFile(join(run, 'step_00004/solver/model.safetensors'))
  expect(await weights(parts)).toEqual(await weights(whole))
  expect(await readdir(join(whole, 'step_00004/solver'))).toEqual(
    expect.arrayContaining(['config.json', 'tokenizer.json']),
  )
})
