/** The example as a newcomer runs it, in a process of its own, with a few updates. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readIterLog } from '@evolmm/trainer'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'evolmm-quickstart-'))
const folder = join(home, 'quickstart-seed-3')
afterAll(() => {
  rmSync(home, { recursive: true })
})

interface Ended {
  code: number | null
  output: string
}

/** With Ctrl-C as soon as the output has `until`: a terminal sends it to the whole group of processes. */
function quickstart(flags: string[], until?: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['scripts/bench.mjs', 'examples/quickstart/quickstart.mjs', `--output_dir=${home}`, ...flags],
      { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let output = ''
    let interrupted = false
    const take = (text: Buffer) => {
      output += text.toString()
      if (until === undefined || interrupted || !output.includes(until)) return
      interrupted = true
      process.kill(-Number(child.pid), 'SIGINT')
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, output })
    })
  })
}

const interval = String.raw`\d+\.\d ± \d+\.\d`

test('Ctrl-C saves, the same command goes on, ends with table and report, and shows both again', async () => {
  const flags = ['--updates=4', '--seed=3']
  const stopped = await quickstart(flags, '1/4')
  expect(stopped.output).toMatch(
    /Saving.*\n(.*\n)*Stopped after update \d; the same command goes on from there\.\n$/,
  )
  expect(stopped.code).toBe(130)

  const finished = await quickstart(flags)
  expect(finished.output).toMatch(/\n\d updates were done before\.\n/)
  expect(finished.code).toBe(0)
  for (const measure of ['sampled accuracy', 'greedy accuracy', 'agreement'])
    expect(finished.output).toMatch(new RegExp(`\n${measure} +${interval} +${interval} +\\w`))
  const report = join(folder, 'report.html')
  expect(finished.output).toContain(`\nReport     ${report}\n`)
  expect(existsSync(report)).toBe(true)
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['iter_log.jsonl', 'run.json', 'step_00004']))
  expect((await readdir(join(home, 'quickstart-charts'))).length).toBe(1000)
  const steps = []
  for await (const { step } of readIterLog(folder)) steps.push(step)
  expect(steps).toEqual([1, 2, 3, 4])

  const again = await quickstart(flags)
  const result = (text: string) => text.slice(text.indexOf('\nIn per cent'))
  expect(result(again.output)).toBe(result(finished.output))
  expect(again.code).toBe(0)
})

test('what is wrong is said in one sentence, before anything is done', async () => {
  const { code, output } = await quickstart(['--updates=few'])
  expect(output).toMatch(/^--updates: must be a whole number.* got few\n$/)
  expect(code).toBe(1)
})
