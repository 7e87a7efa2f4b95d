/** What is said of a run of M-STaR before it is begun: by `mstar --dry_run`, and by `plan mstar` without data. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MstarReport } from '../src/plan/mstar-report'
import { runCommand } from './support/run-command'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
let home: string
let data: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-mstar-plan-'))
  data = join(home, 'data.jsonl')
  const row = { image: join(tiny, 'images/img0.png'), question: 'How many?', answer: '6' }
  writeFileSync(data, `${JSON.stringify(row)}\n`.repeat(40))
  mkdirSync(join(home, 'headless'))
  writeFileSync(join(home, 'headless/adapter_config.json'), '{}')
})
afterAll(() => {
  rmSync(home, { recursive: true })
})

const dry = (...more: string[]) =>
  runCommand([
    ...['mstar', '--dry_run', '--model', tiny, '--device', 'cpu', '--output_dir', join(home, 'run')],
    ...['--use_lora', '--data', data, '--validation', data, '--num_generations', '4', ...more],
  ])

test('--dry_run says what the run asks, writes and takes, and does nothing', async () => {
  // Ten questions a cycle, of each of which two answers are right: a step of 20.
  const given = ['--total_steps', '3', '--batch_size', '20', '--max_new_tokens', '32']
  const { code, stdout, stderr } = await dry(...given)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(
    '40 questions, 40 of validation. If 50 % of the answers are right, a cycle learns 20 answers in 1 step, and there are 3 cycles.',
  )
  expect(stdout).toMatch(/\n {2}to learn from +120\n {2}to watch +600\n/)
  expect(stdout).toMatch(/\n {2}gradient +[\d,]+ nodes/)
  expect(stdout).toMatch(/\nIt (barely )?fits: /)
  const json = await dry(...given, '--assumed_right', '1', '--json')
  const { plan, config } = JSON.parse(json.stdout) as { plan: MstarReport; config: object }
  expect(plan).toMatchObject({ questions: { data: 40, validation: 40, unlabelled: 0 }, model: tiny })
  expect(plan.work).toMatchObject({ kept: 40, cycles: 2 })
  expect(config).toMatchObject({ num_generations: 4, data })
})

test.each<[string, string[], RegExp]>([
  ['the data', ['--data', '{home}/none.jsonl'], /--data .*must be a file that can be read/],
  ['the model', ['--model', '{home}/none'], /--model .*must be a folder that exists/],
  ['a reward model without a head', ['--reward_model', '{home}/headless'], /value_head\.safetensors/],
  ['the folder of the run', ['--output_dir', '{home}/data.jsonl'], /--output_dir .*or not exist yet/],
  ['the key of W&B', ['--wandb_mode', 'online'], /W&B: must have an API key/],
])('--dry_run checks %s', async (_, argv, message) => {
  const { code, stdout, stderr } = await dry(...argv.map((word) => word.replace('{home}', home)))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
})

const plan = (...argv: string[]) => runCommand(['plan', 'mstar', '--use_lora', ...argv])

test('a plan needs no file at all, or takes the questions of one', async () => {
  const counts = ['--questions', '1000', '--validation_questions', '10', '--memory', '80GB']
  const { stdout } = await plan('--model', '7B', '--device', 'cuda', ...counts)
  expect(stdout).toMatch(/^1,000 questions, 10 of validation\. /)
  expect(stdout).toMatch(/\n7B on cuda, weights in float32; 40\.4 million trained parameters\n/)
  expect(stdout).toMatch(/\nIt does not fit: .* of 80\.0 GB; .*--\w+.*\.\n$/)
  const json = await plan('--model', tiny, '--device', 'cpu', '--data', data, '--json', '--programs')
  const report = JSON.parse(json.stdout) as MstarReport & { programs: { name: string }[] }
  expect(report.questions).toEqual({ data: 40, validation: 0, unlabelled: 0 })
  expect(report.image).toEqual({ width: 140, height: 112 })
  expect(report.programs.map(({ name }) => name)).toContain('gradient')
})

test.each<[string[], string]>([
  [['--model', '7B'], '--questions: must say how many there are, or --data name their file, got neither'],
  [['--model', '7B', '--questions', '0'], '--questions'],
  [['--model', '7B', '--questions', '9', '--image_size', '896'], '--image_size: must be width and height'],
  [['--model', '7B', '--questions', '9', '--assumed_right', '0'], '--assumed_right'],
])('bad input ends in one line: %j', async (argv, message) => {
  const { code, stdout, stderr } = await plan(...argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})
