import { mkdtempSync, copyFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EvolmmError } from '@evolmm/internal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkRun } from '../src/plan/check-run'
import type { RunReport } from '../src/plan/report-run'
import { resolveConfig } from '../src/train/config/resolve-config'
import { runCommand } from './support/run-command'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const lora = ['--use_lora_solver', '--use_lora_proposer']
const card = ['--device', 'cuda', '--memory']
const plan = (...argv: string[]) => runCommand(['plan', ...argv])
const report = async (...argv: string[]) => {
  const { code, stdout, stderr } = await plan(...argv, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as RunReport
}

let bare: string
beforeAll(() => {
  bare = mkdtempSync(join(tmpdir(), 'evolmm-plan-'))
  copyFileSync(join(tiny, 'config.json'), join(bare, 'config.json'))
})
afterAll(() => {
  rmSync(bare, { recursive: true })
})

test.each([
  // Two adapters of rank 16 on the seven projections, counted by hand from the published shapes.
  ['3B', 2 * 29_933_568],
  ['7B', 2 * 40_370_176],
  ['32B', 2 * 134_217_728],
  ['72B', 2 * 210_534_400],
])('%s is planned without a file, for a card that is not there', async (size, parameters) => {
  const { kinds, total, ...rest } = await report('--model', size, ...lora, ...card, '80GB')
  expect(rest.parameters).toBe(parameters)
  expect(rest).toMatchObject({ device: 'cuda', dtype: 'bfloat16', patches: 4096, limits: { device: 80e9 } })
  for (const place of ['device', 'host'] as const) {
    const sum = Object.values(kinds).reduce((all, bytes) => all + bytes[place], 0)
    expect(sum).toBeCloseTo(total[place], -1)
    expect(rest.phases.update[place]).toBeCloseTo(total[place], -1)
  }
  // Two moments of four bytes.
  expect(kinds.optimizer).toEqual({ device: 0, host: 8 * parameters })
})

test('a folder with config.json alone is enough, and a name on the hub for a published size', async () => {
  expect((await report('--model', bare, ...lora, '--device', 'cpu')).parameters).toBeGreaterThan(0)
  const [short, long] = [
    await report('--model', '7B', ...lora, ...card, '80GB'),
    await report('--model', 'Qwen/Qwen2.5-VL-7B-Instruct', ...lora, ...card, '80GB'),
  ]
  expect(long.total).toEqual(short.total)
})

test('the largest batch fits, and one more does not', async () => {
  const argv = ['--model', '7B', ...lora, '--gradient_checkpointing', ...card, '140GB']
  const { largest_batch: most } = await report(...argv)
  expect(most).toBeGreaterThan(0)
  expect((await report(...argv, '--batch_size', String(most))).fits).toBe(true)
  const more = await report(...argv, '--batch_size', String(most + 1))
  expect(more.fits).toBe(false)
  expect(more.advice).toContain('--batch_size')
})

test.each<[string, string[]]>([
  ['--gradient_checkpointing', []],
  ['--max_pixels', ['--image_size', '1792x1792']],
  ['--batch_size', ['--batch_size', '8']],
  ['--max_new_tokens_solver', ['--max_new_tokens_solver', '2048']],
  ['--lora_r', ['--lora_r', '1024']],
  ['--dtype bfloat16', ['--dtype', 'float32']],
  ['--quantize int4', []],
])('what does not fit names %s, and with it less is needed', async (flag, argv) => {
  const given = ['--model', '7B', ...lora, ...card]
  const before = await report(...given, '1GB', ...argv)
  expect(before.fits).toBe(false)
  // A bit less than it takes, so that one flag is enough.
  const { advice } = await report(...given, String(Math.floor(before.total.device * 0.99)), ...argv)
  expect(advice).toContain(flag)
  const [, value = ''] = new RegExp(`${flag}(?: (\\d+))?`).exec(advice ?? '') ?? []
  const changed = [...argv, ...flag.split(' '), ...(value === '' ? [] : [value])]
  expect((await report(...given, '1GB', ...changed)).total.device).toBeLessThan(before.total.device)
})

test('for people: a table, and one sentence', async () => {
  const { code, stdout } = await plan('--model', '7B', ...lora, ...card, '20GB')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^7B on cuda, weights in bfloat16; 80\.7 million trained parameters/)
  expect(stdout).toMatch(/\n {2}prompt cache +\S+ [MG]B +0 B\n/)
  expect(stdout).toMatch(/\nIt does not fit: .* of 20\.0 GB; .*use a smaller model or more memory\.\n$/)
})

test.each<[string, string[], string]>([
  ['a size', ['--model', '7B', '--image_size', '896'], '--image_size: must be width and height'],
  ['no model', ['--model', './no/model'], 'must be an existing folder or have the form ORG/NAME'],
  ['an amount', ['--model', '7B', '--memory', 'much'], 'must be a number of bytes'],
])('bad input ends in one line and exit code 2: %s', async (_, argv, message) => {
  const { code, stdout, stderr } = await plan(...argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})

test('a run that cannot fit is refused from the configuration, before there are weights', async () => {
  const { config } = resolveConfig({
    flags: {
      ...{ use_lora_solver: true, use_lora_proposer: true, solver_model: bare, device: 'cpu' },
      ...{ data_dir: join(tiny, 'images'), memory_limit: '50MB' },
    },
  })
  const refused = await checkRun(config, {}).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(EvolmmError)
  expect(refused).toMatchObject({ code: 'MEMORY_EXCEEDED' })
  expect((refused as Error).message).toMatch(/^memory of the machine: must be at least .*use a smaller model/)
  await checkRun({ ...config, memory_limit: 1e12 }, {})
})
