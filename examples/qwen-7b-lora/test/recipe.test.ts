/** The recipe's script, with its configuration, on the tiny checkpoint: only sizes and places are others. */
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleScript, type BundledScript } from '@evolmm/internal/testing'
import { runCommand } from '../../../packages/cli/test/support/run-command'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const script = path('../run.sh')
const tiny = path('../../../packages/vlm/test/fixtures/qwen2_5_vl-tiny')
const sources = ['ai2d', 'chartqa', 'chartx', 'geometry3k', 'infographicvqa', 'plotqa']
let main: BundledScript
let folder: string
beforeAll(async () => {
  main = await bundleScript(new URL('../../../packages/cli/test/support/real-main.ts', import.meta.url))
  folder = mkdtempSync(join(tmpdir(), 'evolmm-recipe-'))
  for (const name of sources) {
    mkdirSync(join(folder, 'images/train', name), { recursive: true })
    copyFileSync(join(tiny, 'images/img0.png'), join(folder, 'images/train', name, 'a.png'))
  }
})
afterAll(() => {
  main.remove()
  rmSync(folder, { recursive: true })
})

/** In a folder with images as the README describes it. */
function sh(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, EVOLMM: `${process.execPath} ${main.file}` }
  return new Promise((settle) => {
    execFile('sh', [script, ...args], { cwd: folder, env, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      settle({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const short = [
  '--max_new_tokens_solver',
  '4',
  '--max_new_tokens_proposer',
  '4',
  '--proposer_update_freq',
  '2',
]
const small = [
  '--solver_model',
  tiny,
  '--device',
  'cpu',
  '--max_pixels',
  '3136',
  '--no-skip_malformed',
  ...short,
]

test('check, train, go on, infer and eval: the script on the tiny checkpoint', async () => {
  const check = await sh('check', ...small)
  expect(check).toMatchObject({ code: 0, stderr: expect.not.stringContaining('evolmm:') as string })
  expect(check.stdout).toContain('6 images found')
  for (const name of ['encode', 'sample', 'score', 'gradient'])
    expect(check.stdout).toMatch(new RegExp(`\\n  ${name} +[\\d,]+ nodes`))
  expect(check.stdout).toMatch(/\nIt fits: /)

  expect(await sh('train', ...small, '--total_steps', '2')).toMatchObject({
    code: 0,
    stdout: 'runs/qwen-7b-lora\n',
  })
  const more = await sh('train', ...small, '--total_steps', '3')
  expect(more).toMatchObject({ code: 0 })
  const log = readFileSync(join(folder, 'runs/qwen-7b-lora/iter_log.jsonl'), 'utf8').trim().split('\n')
  expect(log).toHaveLength(3)
  expect(readdirSync(join(folder, 'runs/qwen-7b-lora'))).toContain('step_00003')

  const image = join(tiny, 'images/img0.png')
  const model = ['--model', tiny, '--device', 'cpu', '--threads', '1']
  const infer = await sh(
    'infer',
    ...model,
    '--image',
    image,
    '--question',
    'How many?',
    '--max_new_tokens',
    '3',
  )
  expect(infer).toMatchObject({ code: 0 })
  const questions = join(folder, 'questions.jsonl')
  writeFileSync(questions, `${JSON.stringify({ image, question: 'How many?', answer: '6' })}\n`)
  const own = ['--tasks', questions, '--gen_kwargs', 'max_new_tokens=2']
  const evaluated = await sh('eval', ...model, ...own)
  expect(evaluated, evaluated.stderr).toMatchObject({ code: 0 })
  // Five processes, one after the other.
}, 600_000)

test('the README shows what the planner prints for the recipe', async () => {
  const readme = readFileSync(path('../README.md'), 'utf8')
  const [, shown] = /```text\n(.*?)```/s.exec(readme) ?? []
  const { code, stdout } = await runCommand(
    ['plan', '--config', path('../config.json'), '--image_size', '896x896', '--memory', '80GB'],
    {},
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: shown })
})

test('what is not a command is said, and a checkpoint that is not there', async () => {
  expect(await sh('fly')).toMatchObject({ code: 2 })
  rmSync(join(folder, 'runs'), { recursive: true, force: true })
  const { code, stderr } = await sh('infer')
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'runs/qwen-7b-lora: must hold a checkpoint, got none; train first, or set RUN\n',
  })
})
