/** Runs on disk: what is written, what is refused, and that nothing is damaged on the way. */
import * as fs from 'node:fs/promises'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openImageDataset } from '@evolmm/dataset'
import { shareSessions } from '@evolmm/internal/testing'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { findCheckpoints, readCheckpoint, readLog, saveCheckpoint, type Tracker } from '@evolmm/runs'
import {
  evolmm,
  loadedState,
  savedState,
  startState,
  train,
  type IterationRecord,
  type SolverReward,
  type TrainOptions,
} from '../src/index'
import { content } from './support/content'
import { timelessLog } from './support/timeless'
import { makeImages, openTiny, tinyFolder, sense } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'

shareSessions()

vi.mock('node:fs/promises', { spy: true })

let images: Awaited<ReturnType<typeof makeImages>>
let home: string
/** A run of four iterations with checkpoints of the last two pairs. */
let done: string
beforeAll(async () => {
  images = await makeImages(4)
  home = await mkdtemp(join(tmpdir(), 'evolmm-train-'))
  done = join(home, 'done')
  await train(tinyTrain(done, images.folder, { total_steps: 4 }))
})
afterAll(async () => {
  await images.remove()
  await rm(home, { recursive: true })
})
afterEach(() => {
  vi.resetAllMocks()
})

let copies = 0
/** The finished run under another name, to be gone on with or damaged. */
async function copyOfDone(): Promise<string> {
  const folder = join(home, `copy-${copies++}`)
  await cp(done, folder, { recursive: true })
  return folder
}

const six = { total_steps: 6 }

test('a checkpoint has both roles as PEFT folders with the processor, the state, the moments and the marker', async () => {
  const folder = join(done, 'step_00004')
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
  const folder = join(home, 'kept')
  await train(tinyTrain(folder, images.folder, { save_every: 1, max_checkpoints: 3, total_steps: 5 }))
  expect((await findCheckpoints(folder)).map(({ step }) => step)).toEqual([3, 4, 5])
  const last = join(home, 'last')
  await train(tinyTrain(last, images.folder, { save_every: 0, total_steps: 3 }))
  expect((await findCheckpoints(last)).map(({ step }) => step)).toEqual([3])
})

test('a finished run that is started again does nothing', async () => {
  const before = await content(done)
  expect(await train(tinyTrain(done, images.folder, { total_steps: 4 }))).toMatchObject({
    step: 4,
    status: 'finished',
  })
  expect(await content(done)).toEqual(before)
})

test('a run without a checkpoint yet begins again, and its log with it', async () => {
  const folder = join(home, 'unsaved')
  const tripped = tinyTrain(folder, images.folder, {
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
  await train(tinyTrain(folder, images.folder, { save_every: 0, total_steps: 3 }))
  const steps: number[] = []
  for await (const { step } of readLog(folder, evolmm)) steps.push(step)
  expect(steps).toEqual([1, 2, 3])
})

test('what went wrong after an iteration does not lose it', async () => {
  const folder = join(home, 'tripped')
  const options = tinyTrain(folder, images.folder, {
    save_every: 0,
    onRecord: ({ step }: IterationRecord) => {
      if (step === 3) throw new Error('somebody else’s bug')
    },
  })
  await expect(train(options)).rejects.toThrow('somebody else’s bug')
  expect((await findCheckpoints(folder)).map(({ step }) => step)).toEqual([3])
})

test('other settings are refused, by name, and nothing is touched', async () => {
  const folder = await copyOfDone()
  const before = await content(folder)
  await expect(train(tinyTrain(folder, images.folder, { ...six, lr: 1e-4, top_k: 3 }))).rejects.toMatchObject(
    {
      code: 'OTHER_CONFIGURATION',
      message: expect.stringMatching(
        /lr 0\.0001 instead of 0\.001, top_k 3 instead of 0; go on with the old/,
      ) as string,
      details: { changed: ['lr', 'top_k'] },
    },
  )
  expect(await content(folder)).toEqual(before)
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
  const folder = await copyOfDone()
  const file = join(folder, 'step_00004', 'trainer_state.json')
  await writeFile(file, change(JSON.parse(await readFile(file, 'utf8')) as object))
  const before = await content(folder)
  await expect(train(tinyTrain(folder, images.folder, six))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  })
  expect(await content(folder)).toEqual(before)
})

test.each(['optimizer.safetensors', 'solver/adapter_model.safetensors'])(
  'a checkpoint whose %s is cut short is refused, and nothing is touched',
  async (name) => {
    const folder = await copyOfDone()
    const file = join(folder, 'step_00004', name)
    await writeFile(file, (await readFile(file)).subarray(0, 5000))
    const before = await content(folder)
    await expect(train(tinyTrain(folder, images.folder, six))).rejects.toMatchObject({
      code: 'INVALID_SAFETENSORS',
    })
    expect(await content(folder)).toEqual(before)
  },
)

test.each(['optimizer.safetensors', 'proposer/adapter_model.safetensors'])(
  'a checkpoint without its %s is refused by that name, and an earlier one is at hand',
  async (name) => {
    const folder = await copyOfDone()
    const newest = join(folder, 'step_00004')
    await rm(join(newest, name))
    await expect(train(tinyTrain(folder, images.folder, six))).rejects.toMatchObject({
      code: 'UNREADABLE_FILE',
      message: expect.stringMatching(
        new RegExp(
          `^${join(newest, name)}: must be readable, got ENOENT.*; or move ${newest} away to go on from an earlier`,
        ),
      ) as string,
    })
    await rm(newest, { recursive: true })
    expect(await train(tinyTrain(folder, images.folder, six))).toMatchObject({ status: 'finished' })
  },
)

test('a checkpoint that was not written to its end is passed over with a warning, and kept aside when its turn comes', async () => {
  const folder = await copyOfDone()
  await rm(join(folder, 'step_00004', 'SAVE_OK'))
  await writeFile(join(folder, 'step_00004', 'mine.txt'), 'mine')
  const warn = vi.fn()
  await train(tinyTrain(folder, images.folder, { total_steps: 4, onWarning: warn }))
  expect(warn.mock.calls.flat().join()).toMatch(/step_00004: was not written to its end; it is passed over/)
  expect((await findCheckpoints(folder)).map(({ step, complete }) => [step, complete])).toEqual([
    [2, true],
    [4, true],
  ])
  const aside = (await readdir(folder)).find((name) => name.startsWith('step_00004.unfinished')) ?? ''
  expect(await readFile(join(folder, aside, 'mine.txt'), 'utf8')).toBe('mine')
})

test('other images are refused', async () => {
  const folder = await copyOfDone()
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
    const folder = await copyOfDone()
    const real = (await vi.importActual<typeof fs>('node:fs/promises')).open
    vi.mocked(fs.open).mockImplementation(async (path, ...rest) => {
      const handle = await real(path, ...rest)
      if (String(path).includes('step_00006'))
        handle.writeFile = () =>
          Promise.reject(Object.assign(new Error(`${code}: ${text}, write`), { code, syscall: 'write' }))
      return handle
    })
    await expect(train(tinyTrain(folder, images.folder, six))).rejects.toMatchObject({
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
    expect(await train(tinyTrain(folder, images.folder, six))).toMatchObject({ step: 6, status: 'finished' })
    const whole = join(home, 'whole-six')
    if ((await stat(whole).catch(() => undefined)) === undefined)
      await train(tinyTrain(whole, images.folder, six))
    const weights = (run: string) => readFile(join(run, 'step_00006/solver/adapter_model.safetensors'))
    expect(await weights(folder)).toEqual(await weights(whole))
  },
)

test('a folder that cannot be made is one clear error', async () => {
  await writeFile(join(home, 'file'), '')
  await expect(train(tinyTrain(join(home, 'file', 'run'), images.folder))).rejects.toMatchObject({
    code: 'UNWRITABLE_FILE',
  })
})

test('a run that another process has is refused; one that died has let it go', async () => {
  const folder = await copyOfDone()
  const { hostname } = await import('node:os')
  await writeFile(join(folder, 'run.lock'), `${process.ppid} ${hostname()}`)
  await expect(train(tinyTrain(folder, images.folder, six))).rejects.toMatchObject({
    code: 'OUTPUT_IN_USE',
    message: expect.stringMatching(new RegExp(`got process ${process.ppid} at work`)) as string,
  })
  await writeFile(join(folder, 'run.lock'), `4194305 ${hostname()}`)
  expect(await train(tinyTrain(folder, images.folder, { total_steps: 4 }))).toMatchObject({
    step: 4,
  })
  expect(await readdir(folder)).not.toContain('run.lock')
})

test('never resuming refuses a run that was begun; a checkpoint of choice begins a branch', async () => {
  await expect(train(tinyTrain(done, images.folder, { ...six, resume: 'never' }))).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
  })
  const branch = join(home, 'branch')
  await train(tinyTrain(branch, images.folder, { ...six, resume: join(done, 'step_00002') }))
  const whole = join(home, 'whole-six')
  if ((await stat(whole).catch(() => undefined)) === undefined)
    await train(tinyTrain(whole, images.folder, six))
  const weights = (run: string) => readFile(join(run, 'step_00006/solver/adapter_model.safetensors'))
  expect(await weights(branch)).toEqual(await weights(whole))
  expect(await timelessLog(branch)).toEqual(await timelessLog(whole))
  // From an old checkpoint into the run that has later ones.
  await expect(
    train(tinyTrain(done, images.folder, { ...six, resume: join(done, 'step_00002') })),
  ).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
    message: expect.stringMatching(/the later checkpoint .*step_00004/) as string,
  })
  await expect(train(tinyTrain(join(home, 'x'), images.folder, { resume: home }))).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
  })
})

test('a tracker that fails is reported once and stops nothing', async () => {
  const broken: Tracker = {
    name: 'broken',
    start: () => undefined,
    log: () => {
      throw new Error('no route to host')
    },
    flush: () => undefined,
    finish: () => undefined,
  }
  const warn = vi.fn()
  const folder = join(home, 'tracked')
  const options = tinyTrain(folder, images.folder, {
    total_steps: 3,
    trackers: [broken],
    onWarning: warn,
  })
  expect(await train(options)).toMatchObject({ step: 3, status: 'finished' })
  const said = warn.mock.calls.flat().filter((message) => String(message).startsWith('broken'))
  expect(said).toEqual([
    'broken: no route to host; the run goes on, and it is tried again',
    expect.stringMatching(/did not get 3 iterations/),
  ])
})

test('the probe runs before the first iteration, every so many and after the last, and the numbers are kept', async () => {
  const folder = join(home, 'probed')
  let calls = 0
  const probe = { every: 2, run: () => Promise.resolve({ accuracy: calls++ / 10 }) }
  await train(tinyTrain(folder, images.folder, { total_steps: 5, probe }))
  const { probe: start } = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as { probe: unknown }
  expect(start).toEqual({ accuracy: 0 })
  const found: unknown[] = []
  for await (const record of readLog(folder, evolmm)) found.push(record.probe)
  expect(found).toEqual([null, { accuracy: 0.1 }, null, { accuracy: 0.2 }, { accuracy: 0.3 }])
})

test('a probe that fails later costs no iteration; one that fails at first ends the run before it begins', async () => {
  const folder = join(home, 'probe-fails')
  const warn = vi.fn()
  let calls = 0
  const probe = {
    every: 2,
    run: () =>
      calls++ === 1 ? Promise.reject(new Error('no such image')) : Promise.resolve({ accuracy: 1 }),
  }
  await train(tinyTrain(folder, images.folder, { total_steps: 4, probe, onWarning: warn }))
  expect(warn.mock.calls).toEqual([
    ['probe: must give numbers, got no such image; iteration 2 goes without', 'PROBE_FAILED'],
  ])
  const found: unknown[] = []
  for await (const record of readLog(folder, evolmm)) found.push(record.probe)
  expect(found).toEqual([null, null, null, { accuracy: 1 }])

  const none = join(home, 'probe-fails-at-once')
  calls = 1
  await expect(train(tinyTrain(none, images.folder, { probe }))).rejects.toThrow('no such image')
  expect(await readdir(home)).not.toContain('probe-fails-at-once')
})

test.each([
  [{ batch_size: 0 }, /^batch_size: must be an integer at least 1, got 0/],
  [{ save_every: -1 }, /^save_every: must be an integer at least 0, got -1/],
  [{ probe: { every: 0.5, run: () => Promise.resolve({}) } }, /^probe\.every: must be an integer/],
] as [TrainOptions, RegExp][])(
  '%j is refused before anything is opened, and leaves no folder',
  async (given, message) => {
    await expect(train(tinyTrain(join(home, 'wrong'), images.folder, given))).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message) as string,
    })
    expect(await readdir(home)).not.toContain('wrong')
  },
)

test('what somebody else left in the folder is not written over', async () => {
  // As the released code leaves it.
  const released = join(home, 'released')
  await mkdir(released)
  await writeFile(join(released, 'iter_log.jsonl'), '{"step":1}\n')
  await expect(train(tinyTrain(released, images.folder))).rejects.toMatchObject({ code: 'WOULD_OVERWRITE' })
  expect(await readFile(join(released, 'iter_log.jsonl'), 'utf8')).toBe('{"step":1}\n')
  const nameless = await copyOfDone()
  await rm(join(nameless, 'run.json'))
  await rm(join(nameless, 'iter_log.jsonl'))
  const before = await content(nameless)
  await expect(train(tinyTrain(nameless, images.folder, { resume: 'never' }))).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
    message: expect.stringContaining('the checkpoint') as string,
  })
  expect(await content(nameless)).toEqual(before)
})

test('a run goes on with the settings that count, and may be longer and elsewhere', async () => {
  const folder = join(home, 'counted')
  const again = (given: TrainOptions) => train(tinyTrain(folder, images.folder, { total_steps: 2, ...given }))
  await again({})
  await expect(again({ num_solver_samples: 4 })).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    message: expect.stringContaining('num_solver_samples 4 instead of 5') as string,
  })
  await expect(again({ depends: { weather: 'fine' } })).rejects.toMatchObject({
    message: expect.stringContaining('weather "fine" instead of none') as string,
  })
  // Longer is no other run, unless the learning rate depends on it.
  expect(await again({ total_steps: 3, image_cache: 0 })).toEqual({ folder, step: 3, status: 'finished' })
  await expect(again({ total_steps: 4, lr_scheduler: 'linear' })).rejects.toMatchObject({
    details: { changed: ['lr_scheduler', 'total_steps'] },
  })
})

test('a setting that nobody knows is refused, and the name that another library has for one is answered', async () => {
  for (const [name, hint] of [
    ['totalSteps', 'did you mean total_steps'],
    ['learning_rate', 'it is lr here'],
  ])
    await expect(
      train({ ...tinyTrain(join(home, 'unknown'), images.folder), [name]: 1 }),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(
        `${name}: must be a setting of a run, got an unknown name; ${hint}`,
      ) as string,
    })
  expect(await readdir(home)).not.toContain('unknown')
})

test('that a reward is a function of one’s own, and which, is one of the settings', async () => {
  const folder = join(home, 'own-reward')
  const rewarded = (reward: 'discrete' | SolverReward) =>
    train(tinyTrain(folder, images.folder, { total_steps: 1, reward }))
  const own: SolverReward = (answers) => answers.map(({ text }) => text.length)
  await rewarded(own)
  expect(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'))).toMatchObject({
    config: { reward: 'own', untagged_answers: 'last-line' },
  })
  await expect(rewarded('discrete')).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    message: expect.stringContaining('got reward "discrete" instead of "own"; go on') as string,
  })
  expect(await rewarded(own)).toMatchObject({ step: 1, status: 'finished' })
})

test('a run that asks no question warns that it learns nothing', async () => {
  const warnings: string[] = []
  await train(
    tinyTrain(join(home, 'asks-nothing'), images.folder, {
      total_steps: 1,
      ...sense,
      onWarning: (message) => warnings.push(message),
    }),
  )
  expect(warnings).toEqual([
    expect.stringMatching(/^questions: the solver must be asked some, got 1 in a row/),
  ])
})

test('a branch needs the log of the run that it comes from', async () => {
  const lonely = join(home, 'lonely')
  await cp(join(done, 'step_00002'), join(lonely, 'step_00002'), { recursive: true })
  await expect(
    train(
      tinyTrain(join(home, 'branch-of-none'), images.folder, {
        ...six,
        resume: join(lonely, 'step_00002'),
      }),
    ),
  ).rejects.toMatchObject({ code: 'LOG_NOT_FOUND' })
  expect(await readdir(home)).not.toContain('branch-of-none')
})

test('a log that cannot be synced is one that no checkpoint may rely on', async () => {
  const folder = await copyOfDone()
  const real = (await vi.importActual<typeof fs>('node:fs/promises')).open
  vi.mocked(fs.open).mockImplementation(async (path, ...rest) => {
    const handle = await real(path, ...rest)
    if (String(path).endsWith('iter_log.jsonl') && rest[0] !== 'r+')
      handle.sync = () => Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }))
    return handle
  })
  await expect(train(tinyTrain(folder, images.folder, six))).rejects.toMatchObject({
    code: 'UNWRITABLE_FILE',
    message: expect.stringMatching(/iter_log\.jsonl: must have every iteration, safe on disk/) as string,
  })
  vi.mocked(fs.open).mockReset()
  expect((await findCheckpoints(folder)).map(({ step }) => step)).toEqual([2, 4])
  expect(await train(tinyTrain(folder, images.folder, six))).toMatchObject({ step: 6, status: 'finished' })
})

test('a signal in the middle of a save lets it come to its end', async () => {
  const folder = join(home, 'stopped-in-save')
  const stop = new AbortController()
  const stopping: Tracker = {
    name: 'stopping',
    flush: () => {
      stop.abort()
    },
  }
  const options = tinyTrain(folder, images.folder, { ...six, trackers: [stopping], signal: stop.signal })
  expect(await train(options)).toMatchObject({ step: 2, status: 'stopped' })
  expect((await findCheckpoints(folder)).map(({ step, complete }) => [step, complete])).toEqual([[2, true]])
})

test('a state is saved and loaded before anything was learned as well', async () => {
  const vlm = await openTiny()
  const folder = join(home, 'fresh')
  await mkdir(folder)
  const adapter = (seed: number) => vlm.createAdapter({ rank: 4, seed })
  const state = startState({ solver: adapter(1), proposer: adapter(2) })
  const model = { vlm, name: 'tiny' }
  const dataset = (await openImageDataset({ root: images.folder })).state
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
  const whole = join(home, 'full')
  await train(tinyTrain(whole, images.folder, settings))
  const parts = join(home, 'full-parts')
  const stop = new AbortController()
  await train(
    tinyTrain(parts, images.folder, {
      ...settings,
      signal: stop.signal,
      onRecord: ({ step }: IterationRecord) => {
        if (step === 2) stop.abort()
      },
    }),
  )
  await train(tinyTrain(parts, images.folder, settings))
  const weights = (run: string) => readFile(join(run, 'step_00004/solver/model.safetensors'))
  expect(await weights(parts)).toEqual(await weights(whole))
  expect(await readdir(join(whole, 'step_00004/solver'))).toEqual(
    expect.arrayContaining(['config.json', 'tokenizer.json']),
  )
})
