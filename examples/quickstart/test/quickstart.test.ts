/** The example as a newcomer runs it, in a process of its own, with a few updates. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleScript } from '@evolmm/internal/testing'
import { readLog } from '@evolmm/runs'
import { evolmm as method } from '@evolmm/trainer'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'evolmm-quickstart-'))
const folder = join(home, 'quickstart-seed-3')
const evolmm = await bundleScript(new URL('../../../packages/cli/src/main.ts', import.meta.url))
const bundled = await bundleScript(new URL('../quickstart.mjs', import.meta.url))
afterAll(() => {
  evolmm.remove()
  bundled.remove()
  rmSync(home, { recursive: true })
})

interface Ended {
  code: number | null
  output: string
}

function quickstart(
  flags: string[],
  until?: string,
  environment: Record<string, string> = {},
): Promise<Ended> {
  return run(
    ['scripts/bench.mjs', 'examples/quickstart/quickstart.mjs', `--output_dir=${home}`, ...flags],
    until,
    environment,
  )
}

/** Ctrl-C comes as soon as the output has `until`: a terminal sends it to the whole group of processes. */
function run(args: string[], until?: string, environment: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
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
  const flags = ['--updates=12', '--seed=3', '--charts=40', '--held_out=20']
  const stopped = await quickstart(flags, '1/12')
  expect(stopped.output).toMatch(
    /Saving.*\n(.*\n)*Stopped after update \d+; the same command goes on from there\.\n$/,
  )
  expect(stopped.code).toBe(130)

  const finished = await quickstart(flags)
  expect(finished.output).toMatch(/\n\d+ updates were done before\.\n/)
  expect(finished.code).toBe(0)
  for (const measure of ['sampled accuracy', 'greedy accuracy', 'agreement'])
    expect(finished.output).toMatch(new RegExp(`\n${measure} +${interval} +${interval} +\\w`))
  const report = join(folder, 'report.html')
  expect(finished.output).toContain(`\nReport     ${report}\n`)
  expect(existsSync(report)).toBe(true)
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['iter_log.jsonl', 'run.json', 'step_00012']))
  expect((await readdir(join(home, 'quickstart-charts-40'))).length).toBe(40)
  const steps = []
  for await (const { step } of readLog(folder, method)) steps.push(step)
  expect(steps).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))

  // The page says that the command of its last section is the same run.
  const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const command = /^node packages\/cli\/dist\/main\.js (train [^`]*)/m.exec(page)?.[1] ?? ''
  const words = Array.from(command.matchAll(/"([^"]*)"|[^\s\\]+/g), ([word]) => word.replaceAll('"', ''))
  for (const [flag, value] of [
    ['--data_dir', join(home, 'quickstart-charts-40')],
    ['--seed', '3'],
    ['--total_steps', '12'],
  ]) {
    expect(words).toContain(flag)
    words[words.indexOf(flag) + 1] = value
  }
  expect(await run([evolmm.file, ...words, '--output_dir', home])).toMatchObject({ code: 0 })
  const weights = (name: string) => readFile(join(home, name, 'step_00012/solver/adapter_model.safetensors'))
  expect((await weights('quickstart-cli')).equals(await weights('quickstart-seed-3'))).toBe(true)

  const again = await quickstart(flags)
  const result = (text: string) => text.slice(text.indexOf('\nIn per cent'))
  expect(result(again.output)).toBe(result(finished.output))
  expect(again.code).toBe(0)
})

test.each([
  [
    'a value that is no number',
    ['--updates=few'],
    {},
    /^--updates: must be a whole number.* got few; pass such a value\n$/,
  ],
  [
    'an unknown flag',
    ['--update=3'],
    {},
    /^Unknown option '--update'; flags and their defaults: .* --updates=200 .*\n$/,
  ],
  ['an argument without a flag', ['3'], {}, /^Unexpected argument '3'; flags and their defaults: .*\n$/],
  [
    'a flag that npm took',
    [],
    { npm_config_updates: '3' },
    /^--updates: must stand behind --, got it before.*\n$/,
  ],
  [
    'another configuration',
    ['--seed=3', '--charts=41'],
    {},
    /\n.*seed-3: .* got charts 41 instead of 40, .*--seed=4, or another --output_dir\n$/,
  ],
])('%s is told in one sentence, and nothing is done', async (_, flags, environment, message) => {
  // One of them goes the whole way, by which status and output come out.
  const { code, output } =
    flags.length === 0
      ? await quickstart(flags, undefined, environment)
      : await run([bundled.file, `--output_dir=${home}`, ...flags])
  expect(output).toMatch(message)
  expect(code).toBe(1)
})

test('--help shows the flags', async () => {
  expect(await run([bundled.file, '--help'])).toEqual({
    code: 0,
    output: expect.stringMatching(
      /^flags and their defaults: npm run quickstart -- --updates=200 .*\n$/,
    ) as string,
  })
})
