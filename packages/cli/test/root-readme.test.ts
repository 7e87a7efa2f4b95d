/** The commands of the README of the repository, with the tiny checkpoint in a folder of the default model's name. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { library } from '../src/installed-library'
import { drawChart, writeChartLines } from './support/charts'
import { runCommand } from './support/run-command'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8').replaceAll(' \\\n', '')
const before = process.cwd()
let home: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-readme-'))
  const model = join(home, 'Qwen/Qwen2.5-VL-3B-Instruct')
  mkdirSync(model, { recursive: true })
  for (const entry of readdirSync(tiny, { withFileTypes: true }))
    if (entry.isFile() && !entry.name.startsWith('reference'))
      cpSync(join(tiny, entry.name), join(model, entry.name))
  mkdirSync(join(home, 'FOLDER'))
  const file = writeChartLines(join(home, 'FOLDER'), await Promise.all([0, 1].map(drawChart)))
  cpSync(join(home, 'FOLDER'), home, { recursive: true })
  cpSync(file, join(home, 'questions.jsonl'))
  process.chdir(home)
})
afterAll(() => {
  process.chdir(before)
  rmSync(home, { recursive: true })
})

/** The words behind the name of the program in the README's only line that has it with this command. */
function wordsOf(command: string): string[] {
  const lines = [...readme.matchAll(/^node packages\/cli\/dist\/main\.js (.*)$/gm)]
    .map(([, line = '']) => line.trim().split(/\s+/))
    .filter(([first]) => first === command)
  expect(lines).toHaveLength(1)
  return lines[0] ?? []
}

async function run(argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(argv, { library })
  expect(code, stderr).toBe(0)
  return stdout
}

test('a folder of pictures is checked, trains an adapter, and what that answers is measured beside the base', async () => {
  const checked = await run(wordsOf('train'))
  expect(checked).toContain('2 images found')
  expect(existsSync('runs/mine')).toBe(false)

  const few = ['--max_new_tokens_solver', '2', '--max_new_tokens_proposer', '2', '--no-skip_malformed']
  const trained = wordsOf('train').filter((word) => word !== '--dry_run')
  await run([...trained, '--total_steps', '1', ...few])
  const words = wordsOf('eval').map((word) => word.replace('step_00100', 'step_00001'))
  expect(words).toContain('runs/mine/step_00001/solver')
  const printed = await run([...words, '--gen_kwargs', 'max_new_tokens=2'])
  expect(printed).toMatch(/^\| task +\| metric +\| rows +\| +base \| +solver \|/m)
  const results = readdirSync('results/mine', { recursive: true, encoding: 'utf8' })
  expect(results.filter((name) => name.endsWith('_results.json'))).toHaveLength(2)
})
