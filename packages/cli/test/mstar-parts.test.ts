/** The parts of M-STaR as commands on one folder, each with what the one before has left there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { askCharts, writeAskedCharts } from '@evolmm/tiny-world'
import { afterAll, expect, test } from 'vitest'
import { library } from '../src/installed-library'
import { runCommand, type Result } from './support/run-command'

const model = fileURLToPath(new URL('../../tiny-world/checkpoint-rationales', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'evolmm-mstar-parts-'))
afterAll(() => {
  rmSync(home, { recursive: true })
})
const data = await writeAskedCharts(join(home, 'data'), 'asked', askCharts({ split: 'evolve', charts: 6 }))
const run = join(home, 'run')
const call = (...argv: string[]): Promise<Result> =>
  runCommand(['mstar', ...argv, ...(argv[0] === 'status' ? [run] : ['--output_dir', run, '--data', data])], {
    library,
  })
const asked = [
  ...['--model', model, '--device', 'cpu', '--threads', '1', '--scorer', 'exact', '--max_new_tokens', '60'],
  ...['--question_prompt', '{question}\nExplain why it is 7.', '--num_generations', '6'],
]

test('a reward model is made, scores answers, and chooses lessons', async () => {
  const prm = await call(
    ...['prm', ...asked, '--num_completions', '2', '--held_out', '0.4', '--lora_r', '2'],
    ...['--total_steps', '2', '--warmup_steps', '0', '--batch_size', '2'],
  )
  expect(prm).toMatchObject({ code: 0, stdout: `${join(run, 'prm/model')}\n` })
  expect(prm.stderr).toMatch(/generating.*\n(.*\n)*.*labelling steps.*\n(.*\n)*100 % of 2 steps, loss/)
  expect(prm.stderr).toMatch(/\nheld out: \d+ answers?, \d+ steps?\nAUC of steps by value above 1\/2: \S+; /)
  const report = readFileSync(join(run, 'prm/report.json'), 'utf8')
  const again = await call(
    ...['prm', ...asked, '--num_completions', '2', '--held_out', '0.4', '--lora_r', '2', '--json'],
    ...['--total_steps', '2', '--warmup_steps', '0', '--batch_size', '2'],
  )
  expect(JSON.parse(again.stdout)).toEqual({ folder: join(run, 'prm/model'), ...JSON.parse(report) })

  const rollout = await call('rollout', ...asked, '--reward_model', join(run, 'prm/model'))
  expect(rollout).toMatchObject({ code: 0, stdout: `${join(run, 'rollouts/answers_scored.jsonl')}\n` })
  expect(rollout.stderr).toMatch(/12 questions, 72 answers \(\d+ distinct\): \d+\.\d % right, /)

  const select = await call('select', '--selection', 'top-k', '--select_k', '1', '--json')
  const selected = JSON.parse(select.stdout) as { file: string; kept: number; useful: number }
  expect(selected.kept).toBe(selected.useful)
  expect(readFileSync(selected.file, 'utf8').trim().split('\n')).toHaveLength(selected.kept)
  const refused = await call('select', '--selection', 'threshold')
  expect(refused).toMatchObject({ code: 2, stdout: '' })
  expect(refused.stderr).toMatch(/^evolmm: --select_alpha: must be given, .* --validation_rollouts\n$/)

  const learned = await runCommand(
    [
      ...['sft', '--model', model, '--data', selected.file, '--output_dir', join(home, 'next'), '--use_lora'],
      ...['--total_steps', '1', '--warmup_steps', '0', '--batch_size', '1', '--threads', '1'],
    ],
    { library },
  )
  expect(learned.code).toBe(0)

  const { stdout } = await call('status')
  expect(stdout.split('\n').map((line) => line.replace(/\d+/g, '#').replace(/ {2,}/, ': '))).toEqual([
    'reward model: # of # questions answered, # of # labelled, step # of #',
    expect.stringMatching(
      /^reward model, held out: AUC of steps \S+, of answers \S+, calibration error \S+$/,
    ),
    'answers answers: # questions',
    'answers answers_scored: # questions',
    'lessons lessons: #',
    '',
  ])
  expect(JSON.parse((await call('status', '--json')).stdout)).toMatchObject({
    loop: null,
    rewardModel: { learned: { done: 2, of: 2 }, report: JSON.parse(report) as object },
    lessons: [{ name: 'lessons', written: selected.kept }],
  })
  const nowhere = await runCommand(['mstar', 'status'])
  expect(nowhere.stderr).toMatch(/^evolmm: mstar status: must be given the folder of a run/)
})
