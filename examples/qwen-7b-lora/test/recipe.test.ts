/** The recipe's script, with its configuration, on the tiny checkpoint: only sizes and places are others. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatBytes } from '@evolmm/internal'
import { bundleScript, type BundledScript } from '@evolmm/internal/testing'
import type { RunReport } from '../../../packages/plan/src/report-run'
import { runCommand } from '../../../packages/cli/test/support/run-command'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const script = path('../run.sh')
const tiny = path('../../../packages/vlm/test/fixtures/qwen2_5_vl-tiny')
let main: BundledScript
let folder: string
beforeAll(async () => {
  main = await bundleScript(new URL('../../../packages/cli/test/support/real-main.ts', import.meta.url))
  folder = mkdtempSync(join(tmpdir(), 'evolmm-recipe-'))
})
afterAll(() => {
  main.remove()
  rmSync(folder, { recursive: true })
})

/** Runs the recipe in a folder of its own. */
function sh(...args: string[]) {
  return execute('sh', [script, ...args])
}

function execute(file: string, args: readonly string[]) {
  const env = { ...process.env, EVOLMM: `${process.execPath} ${main.file}` }
  return new Promise<{ code: number; stdout: string; stderr: string }>((settle) => {
    execFile(file, args, { cwd: folder, env, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      settle({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

test('what the README says for the tiny checkpoint, word for word: check, train, go on, infer and eval', async () => {
  const readme = readFileSync(path('../README.md'), 'utf8')
  const [, block = ''] = /^```sh\n(tiny=.*?)^```/ms.exec(readme) ?? []
  const lines = block
    .replace(/^tiny=.*$/m, `tiny=${tiny}`)
    .replaceAll('sh run.sh', `sh ${script}`)
    // Each output by itself.
    .split('\n')
    .map((line) => (line.startsWith('sh ') ? `echo "== ${line.split(' ')[2]}"\n${line}` : line))
  const { code, stdout, stderr } = await execute('sh', ['-euc', lines.join('\n')])
  expect({ code, errors: /^evolmm:.*$/m.exec(stderr)?.[0] }).toEqual({ code: 0, errors: undefined })
  const [, check, first, second, infer, evaluation] = stdout.split(/^== \w+\n/m)
  expect(check).toContain('6 images found')
  for (const name of ['encode', 'sample', 'score', 'gradient'])
    expect(check).toMatch(new RegExp(`\\n  ${name} +[\\d,]+ nodes`))
  expect(check).toMatch(/\nIt (barely )?fits: /)
  expect([first, second]).toEqual(['runs/qwen-7b-lora\n', 'runs/qwen-7b-lora\n'])
  const log = readFileSync(join(folder, 'runs/qwen-7b-lora/iter_log.jsonl'), 'utf8').trim().split('\n')
  expect(log.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([1, 2, 3])
  expect(readdirSync(join(folder, 'runs/qwen-7b-lora'))).toContain('step_00003')
  expect(infer.trim()).not.toBe('')
  expect(evaluation).toContain('questions')
  // Five processes, one after the other.
}, 600_000)

const plan = async (...argv: string[]) =>
  runCommand(
    ['plan', '--config', path('../config.json'), '--image_size', '896x896', '--memory', '80GB', ...argv],
    {},
  )

test('the README shows what the planner prints for the recipe', async () => {
  const readme = readFileSync(path('../README.md'), 'utf8')
  const [, shown] = /```text\n(.*?)```/s.exec(readme) ?? []
  const { code, stdout } = await plan()
  expect({ code, stdout }).toEqual({ code: 0, stdout: shown })
})

test('docs/results.md shows what the planner says of all published sizes', async () => {
  const results = readFileSync(path('../../../docs/results.md'), 'utf8')
  const report = async (...argv: string[]) => JSON.parse((await plan(...argv, '--json')).stdout) as RunReport
  for (const size of ['3B', '7B', '32B', '72B']) {
    const { kinds, total, largest_batch: batch } = await report('--model', size)
    const inHost = ({ host }: { host: number }) => formatBytes(host)
    const others = [['--proposer_update_freq', '0'], ['--no-gradient_checkpointing']]
    const changed = await Promise.all(others.map((argv) => report('--model', size, ...argv)))
    const { weights, adapters, gradient, promptCache, activations, lossBuffers } = kinds
    const row = [
      size,
      ...[weights, adapters, gradient, promptCache, activations, lossBuffers, total].map(({ device }) =>
        formatBytes(device),
      ),
      ...[inHost(kinds.optimizer), inHost(total), String(batch)],
      ...changed.map((plan) => formatBytes(plan.total.device)),
    ]
    expect(results.replaceAll(/ +/g, ' ')).toContain(`\n| ${row.join(' | ')} |\n`)
  }
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
