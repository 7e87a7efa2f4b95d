/**
 * Folders that the version before `@evolmm/runs` wrote, unfinished: what it would have made of them is in
 * `fixtures/former`. (`run` is of `evolmm train` with the flags below after 3 of 5 iterations, tokenizers taken out of its
 * checkpoint; `run-end` is of a run of the same flags that was never stopped. `warmup` and `warmup-end` are of
 * `evolmm warmup`, after 3 of 5 steps and at the end.)
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '@evolmm/safetensors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { library } from '../src/installed-library'
import { runCommand } from './support/run-command'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const former = fileURLToPath(new URL('fixtures/former', import.meta.url))
/** The path is part of what a run is. */
const model = 'packages/vlm/test/fixtures/qwen2_5_vl-tiny'
let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-former-'))
})
afterAll(() => {
  rmSync(home, { recursive: true })
})

/** A copy of an old folder. */
function copyOf(name: string): string {
  cpSync(join(former, name), join(home, name), { recursive: true })
  return join(home, name)
}

const command = (name: string, flags: string) =>
  runCommand([name, '--device', 'cpu', '--threads', '1', ...flags.split(' ')], { library })

const train = (name: string, more: string) =>
  command(
    'train',
    `--solver_model ${model} --data_dir ${join(former, 'pictures')} --output_dir ${home} --run_name ${name} ` +
      '--use_lora_solver --use_lora_proposer --lora_r 1 --lora_targets v_proj,down_proj --lr 1e-2 ' +
      '--no-skip_malformed --untagged_answers last-line --proposer_prompt Ask. --solver_prompt {question} ' +
      '--max_new_tokens_solver 90 --max_new_tokens_proposer 6 --temp 1.5 --num_solver_samples 5 --batch_size 2 ' +
      '--proposer_update_freq 2 --reshuffle --collapse_window 4 --collapse_patience 2 --seed 4 ' +
      `--save_every 0 --no-tensorboard --no-report ${more}`,
  )

interface Line {
  image_path?: unknown
  seconds?: unknown
}

/** What a log has, but for wall time and where the pictures lie. */
const logOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as Line), seconds: undefined, image_path: undefined }))

/**
 * The values of `expected` are there, of the same kind and equal but for rounding, which differs between processors. Only
 * objects that `mayHave` says may have further keys, by the path to them.
 */
function expectClose(
  found: unknown,
  expected: unknown,
  mayHave: (at: string) => boolean = () => false,
  at = '',
): void {
  if (typeof expected === 'number' && !Number.isInteger(expected)) {
    expect(typeof found, at).toBe('number')
    expect(Math.abs((found as number) - expected), at).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)))
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Array.isArray(found), at).toBe(Array.isArray(expected))
    const [has, had] = [found, expected].map((value) => Object.keys(value as object).sort())
    expect(mayHave(at) ? had.filter((key) => !has.includes(key)) : has, at).toEqual(mayHave(at) ? [] : had)
    for (const [key, value] of Object.entries(expected))
      expectClose((found as Record<string, unknown>)[key], value, mayHave, `${at}.${key}`)
  } else expect(found, at).toBe(expected)
}

/** Numbers that the former version did not have may be here: in a line, and in those of an update, the watch and the times. */
const newNumbers = (at: string) => /^\.\d+(\.(solver_update|proposer_update|watch|seconds))?$/.test(at)

/** A log that went on: what the former version wrote stays, byte for byte, and what is added has at least all that it had. */
function expectGoneOn(file: string, former: string, end: string, lines?: number): void {
  expect(readFileSync(file, 'utf8').slice(0, readFileSync(former, 'utf8').length)).toBe(
    readFileSync(former, 'utf8'),
  )
  expectClose(logOf(file), logOf(end).slice(0, lines), newNumbers)
}

async function expectCloseTensors(found: string, expected: string): Promise<void> {
  const [now, then] = [await readSafetensors(found), await readSafetensors(expected)]
  expect([...now.keys()]).toEqual([...then.keys()])
  for (const [name, { data }] of then)
    for (const [i, value] of data.entries())
      expect(Math.abs(Number(now.get(name)?.data[i]) - value), name).toBeLessThan(1e-5)
}

test('a run of the former version goes on as if that version had gone on', async () => {
  const folder = copyOf('run')
  const { code, stderr } = await train('run', '--total_steps 5')
  expect({ code, warnings: stderr.match(/^warning:.*/gm) }).toEqual({ code: 0, warnings: null })
  const end = join(former, 'run-end')
  const log = 'iter_log.jsonl'
  expectGoneOn(join(folder, log), join(former, 'run', log), join(end, log))
  for (const file of ['solver/adapter_model', 'proposer/adapter_model', 'optimizer'])
    await expectCloseTensors(
      join(folder, 'step_00005', `${file}.safetensors`),
      join(end, 'step_00005', `${file}.safetensors`),
    )
  const state = (...path: string[]) => ({
    ...(JSON.parse(readFileSync(join(...path, 'step_00005/trainer_state.json'), 'utf8')) as object),
    saved: undefined,
    identity: undefined,
  })
  expectClose(state(folder), state(end))
  // It is told what it was, and is left as it was.
  expect(readFileSync(join(folder, 'run.json'))).toEqual(readFileSync(join(former, 'run/run.json')))
  expect(readdirSync(folder).sort()).toEqual(['iter_log.jsonl', 'run.json', 'step_00003', 'step_00005'])
})

test('it is refused with another setting that counts, and branches off from its checkpoint', async () => {
  const folder = copyOf('run')
  const other = await train('run', '--total_steps 5 --kl_coef 0.1')
  expect(other.code).toBe(2)
  expect(other.stderr).toMatch(/^evolmm: .*got kl_coef 0\.1 instead of 0\.001; go on with the old settings/m)
  const branch = await train('branch', `--total_steps 4 --resume ${join(folder, 'step_00003')}`)
  expect(branch.code).toBe(0)
  const log = 'iter_log.jsonl'
  expectGoneOn(join(home, 'branch', log), join(former, 'run', log), join(former, 'run-end', log), 8)
})

test('a warm-up of the former version goes on as if that version had gone on', async () => {
  const folder = copyOf('warmup')
  const { code, stdout } = await command(
    'warmup',
    `--model ${model} --data ${join(former, 'lessons.jsonl')} --output_dir ${folder} --use_lora --lora_r 1 ` +
      '--lora_targets v_proj,down_proj --lora_dropout 0.1 --total_steps 5 --batch_size 2 --lr 3e-3 --warmup_steps 1',
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${folder}\n` })
  const log = 'warmup_log.jsonl'
  expectGoneOn(join(folder, log), join(former, 'warmup', log), join(former, 'warmup-end', log))
  await expectCloseTensors(
    join(folder, 'adapter_model.safetensors'),
    join(former, 'warmup-end/adapter_model.safetensors'),
  )
  expect(readdirSync(folder)).not.toContain('warmup.safetensors')
})
