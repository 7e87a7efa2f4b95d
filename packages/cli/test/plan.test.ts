import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EvolmmError } from '@evolmm/internal'
import type { PlannedGraph } from '@evolmm/plan'
import { resolve } from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ShownReport } from '../src/plan/shown-report'
import { checkRun } from '../src/train/check-run'
import { runCommand } from './support/run-command'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const lora = ['--use_lora_solver', '--use_lora_proposer']
const card = ['--device', 'cuda', '--memory']
const plan = (...argv: string[]) => runCommand(['plan', ...argv])
const report = async (...argv: string[]) => {
  const { code, stdout, stderr } = await plan(...argv, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as ShownReport
}

let bare: string
beforeAll(() => {
  bare = mkdtempSync(join(tmpdir(), 'evolmm-plan-'))
  copyFileSync(join(tiny, 'config.json'), join(bare, 'config.json'))
})
afterAll(() => {
  rmSync(bare, { recursive: true })
})

/** What advice says: sets of flags of which each is enough, or the one that is still not enough. */
function alternatives(advice: string): { flags: string[][]; enough: boolean } {
  const [sets] = /^.*?(?= would (?:do|leave))/.exec(advice.replaceAll(/ \([^)]*\)/g, '')) ?? ['']
  return {
    flags: sets.split(', or ').map((set) => set.split(' ')),
    enough: !advice.includes('smaller model'),
  }
}

test('train refuses, and takes the flags that it names', async () => {
  const argv = ['train', '--dry_run', '--json', ...lora, '--device', 'cpu', '--solver_model', tiny]
  const run = (...more: string[]) => runCommand([...argv, '--data_dir', join(tiny, 'images'), ...more])
  const { stdout } = await run()
  const { memory } = JSON.parse(stdout) as { memory: ShownReport }
  const limit = ['--memory_limit', `${Math.floor(0.9 * memory.total.host)}B`]
  const { code, stderr } = await run(...limit)
  expect(code).toBe(2)
  const [, advice = ''] = /; ([^;]*)\n$/.exec(stderr) ?? []
  const { flags, enough } = alternatives(advice)
  expect([flags.length > 0, enough]).toEqual([true, true])
  for (const set of flags) expect(await run(...limit, ...set)).toMatchObject({ code: 0, stderr: '' })
})

test('--programs builds them all, and shows what each takes and gives', async () => {
  const argv = ['--model', '3B', ...lora, ...card, '80GB', '--programs']
  const { code, stdout } = await plan(...argv)
  expect(code).toBe(0)
  const names = [...stdout.matchAll(/^ {2}(\w+) +[\d,]+ nodes/gm)].map(([, name]) => name)
  expect(names).toEqual(['encode', 'sample', 'stream', 'score', 'gradient'])
  // The 36 layers have a line together; two LoRAs of rank 16 have 59,867,136 parameters together.
  expect(stdout).toMatch(/\n {4}in {3}keys_0 to keys_35 +float32 +\[1, t, 256\]\n/)
  expect(stdout).toMatch(/\n {4}out {2}gradient +float32 +\[29933568\]\n/)
  const json = ['--model', tiny, ...lora, '--device', 'cpu', '--programs']
  const { programs } = (await report(...json)) as ShownReport & { programs: PlannedGraph[] }
  expect(programs.map(({ name }) => name)).toEqual(names)
  for (const { nodes, bytes, weight_bytes: weights } of programs)
    expect(Math.min(nodes, bytes, weights)).toBeGreaterThan(0)
})

test('for people: a table, and one sentence', async () => {
  const { code, stdout } = await plan('--model', '7B', ...lora, ...card, '6GB')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^7B on cuda, weights in bfloat16; 80\.7 million trained parameters/)
  expect(stdout).toMatch(/\n {2}prompt cache +\S+ [MG]B +0 B\n/)
  expect(stdout).toMatch(/\nIt does not fit: .* of 6\.0+ GB; .*use a smaller model or more memory\.\n$/)
})

test.each<[string, string[], string]>([
  ['a size', ['--model', '7B', '--image_size', '896'], '--image_size: must be width and height'],
  ['no model', ['--model', './no/model'], 'must be an existing folder or have the form ORG/NAME'],
  ['an amount', ['--model', '7B', '--memory', 'much'], 'must be a number with its unit'],
  ['an amount without a unit', ['--model', '7B', '--memory', '80'], 'got "80"; write 80GB or 80B'],
])('bad input ends in one line and exit code 2: %s', async (_, argv, message) => {
  const { code, stdout, stderr } = await plan(...argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})

test('a run that cannot fit is refused from the configuration, before there are weights', async () => {
  const given = {
    ...{ use_lora_solver: true, use_lora_proposer: true, solver_model: bare, device: 'cpu' as const },
    ...{ data_dir: join(tiny, 'images'), memory_limit: '50MB' },
  }
  const config = resolve(evolmmSettings, given)
  const refused = await checkRun(config, {}).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(EvolmmError)
  expect(refused).toMatchObject({ code: 'MEMORY_EXCEEDED' })
  expect((refused as Error).message).toMatch(/^memory of the machine: must be at least .*use a smaller model/)
  await checkRun(resolve(evolmmSettings, { ...given, memory_limit: 1e12 }), {})
})
