/**
 * A run that `train` of the former version made, when its options were nested, and that was stopped after 3 of 5
 * iterations. `fixtures/former-identity.json` is what that version wrote of its options; all else that it wrote is, byte
 * for byte, what the command of that version wrote for the same settings.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '@evolmm/safetensors'
import { identityOf, resolve, storedIdentity } from '@evolmm/settings'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evolmmSettings, train, type EvolmmGiven } from '../src/index'
import { formerIdentity } from '../src/former-identity'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const former = fileURLToPath(new URL('../../cli/test/fixtures/former', import.meta.url))
const identity = JSON.parse(
  await readFile(new URL('fixtures/former-identity.json', import.meta.url), 'utf8'),
) as Record<string, unknown> & { solver: object }
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'evolmm-former-'))
})
afterAll(() => rm(home, { recursive: true }))

const settings: EvolmmGiven = {
  // The path is part of what a run is.
  solver_model: 'packages/vlm/test/fixtures/qwen2_5_vl-tiny',
  use_lora_solver: true,
  use_lora_proposer: true,
  lora_r: 1,
  lora_targets: ['v_proj', 'down_proj'],
  lr: 1e-2,
  skip_malformed: false,
  untagged_answers: 'last-line',
  proposer_prompt: 'Ask.',
  solver_prompt: '{question}',
  max_new_tokens_solver: 90,
  max_new_tokens_proposer: 6,
  temp: 1.5,
  batch_size: 2,
  proposer_update_freq: 2,
  reshuffle: true,
  collapse_window: 4,
  collapse_patience: 2,
  seed: 4,
}

async function copyOf(name: string): Promise<string> {
  const folder = join(home, name)
  await cp(join(former, 'run'), folder, { recursive: true })
  for (const file of ['run.json', 'step_00003/trainer_state.json']) {
    const content = JSON.parse(await readFile(join(folder, file), 'utf8')) as object
    await writeFile(join(folder, file), JSON.stringify({ ...content, identity }))
  }
  return folder
}

const goOn = (name: string, given: EvolmmGiven = {}) =>
  train({
    ...settings,
    data_dir: join(former, 'pictures'),
    output_dir: home,
    run_name: name,
    total_steps: 5,
    save_every: 0,
    tensorboard: false,
    device: 'cpu',
    threads: 1,
    ...given,
  })

test('a run of nested options goes on to where that version would have ended', async () => {
  const folder = await copyOf('run')
  expect(await goOn('run')).toEqual({ folder, step: 5, status: 'finished' })
  for (const file of ['solver/adapter_model', 'proposer/adapter_model', 'optimizer']) {
    const read = (run: string) => readSafetensors(join(run, 'step_00005', `${file}.safetensors`))
    const [now, then] = [await read(folder), await read(join(former, 'run-end'))]
    expect([...now.keys()]).toEqual([...then.keys()])
    for (const [name, { data }] of then)
      for (const [i, value] of data.entries())
        expect(Math.abs(Number(now.get(name)?.data[i]) - value), name).toBeLessThan(1e-5)
  }
})

test('it is refused with another setting, by the name of today', async () => {
  await copyOf('other')
  await expect(goOn('other', { kl_coef: 0.1 })).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    details: { changed: ['kl_coef'] },
  })
})

const now = (given: EvolmmGiven) => identityOf(evolmmSettings, resolve(evolmmSettings, given))

test.each([
  [
    'all weights of one role',
    { proposer: { model: 'b' } },
    { proposer_model: 'b', use_lora_proposer: false },
  ],
  ['both vision towers', { ...vision(true, true) }, { freeze_vision: false }],
  ['a reward of one’s own', { rewards: { kind: 'function', untagged: 'last-line' } }, { reward: own }],
  [
    'a schedule',
    { optimizer: { lr: 1e-2, scheduler: 'cosine', warmupSteps: 2 }, totalSteps: 9 },
    { lr_scheduler: 'cosine', warmup_steps: 2, total_steps: 9 },
  ],
  ['no reshuffling', { reshuffle: false }, { reshuffle: false }],
  ['questions that are skipped', { guards: {} }, { skip_malformed: true }],
] as [string, object, EvolmmGiven][])('%s counts as it did', (_, before, given) => {
  const today = now({ ...settings, ...given })
  expect(storedIdentity(evolmmSettings, formerIdentity({ ...identity, ...before }, today))).toEqual(today)
})

test.each([
  [{ order: 5 }, 'order'],
  [{ guards: { skip: ['empty'] } }, 'guards.skip'],
  [{ ...vision(true, false) }, 'solver.vision'],
  [{ proposer: { ...identity.solver, lora: { rank: 2, alpha: 32 } } }, 'proposer.lora.rank'],
] as [object, string][])('%j cannot be said today, and keeps its name', (before, name) => {
  expect(formerIdentity({ ...identity, ...before }, {})).toHaveProperty([name])
})

test('identities of today are left alone', () => {
  const today = now(settings)
  expect(formerIdentity(today, today)).toBe(today)
})

function own(): number[] {
  return []
}

function vision(solver: boolean, proposer: boolean): object {
  return {
    solver: { ...identity.solver, vision: solver },
    proposer: { ...identity.solver, vision: proposer },
  }
}
