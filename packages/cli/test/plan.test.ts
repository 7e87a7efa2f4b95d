import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EvolmmError } from '@evolmm/internal'
import { resolve } from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'
import { fallbackQuestion } from '@evolmm/trainer'
import { openConfig } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkRun } from '../src/plan/check-run'
import type { PlannedGraph } from '../src/plan/plan-graphs'
import type { RunReport } from '../src/plan/report-run'
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

/** What advice says: sets of flags of which each is enough, or the one that is still not enough. */
function alternatives(advice: string): { flags: string[][]; enough: boolean } {
  const [sets] = /^.*?(?= (?:together )?would (?:do|leave))/.exec(advice.replaceAll(/ \([^)]*\)/g, '')) ?? [
    '',
  ]
  return {
    flags: sets.split(', or ').map((set) => set.split(' ')),
    enough: !advice.includes('smaller model'),
  }
}

const gpu = ['--model', '3B', '--device', 'cuda']
const cpu = ['--model', tiny, '--device', 'cpu', '--data_dir', join(tiny, 'images')]
test.each<[string, string[]]>([
  ['--gradient_checkpointing', [...gpu, ...lora]],
  ['--max_pixels', [...gpu, ...lora, '--image_size', '1792x1792']],
  ['--batch_size', [...gpu, ...lora, '--batch_size', '8', '--proposer_baseline', 'leave-one-out']],
  ['--max_new_tokens_solver', [...gpu, ...lora, '--max_new_tokens_solver', '2048']],
  ['--num_solver_samples', [...gpu, ...lora, '--num_solver_samples', '32', '--baseline', 'leave-one-out']],
  ['--lora_r', [...gpu, ...lora, '--lora_r', '1024', '--min_pixels', '802816']],
  ['--dtype bfloat16', [...gpu, ...lora, '--dtype', 'float32']],
  ['--proposer_update_freq 0', [...gpu, ...lora, '--gradient_checkpointing']],
  ['--use_lora_solver --use_lora_proposer', [...gpu, '--use_lora_solver']],
  ['--gradient_checkpointing', [...cpu, ...lora]],
  ['--quantize int4', [...gpu, ...lora]],
  ['--batch_size', [...cpu, ...lora, '--batch_size', '8', '--proposer_lr', '1e-5']],
])('what does not fit names %s, and each set of flags that it names makes it fit: %j', async (flag, argv) => {
  const place = argv.includes('cuda') ? 'device' : 'host'
  const { total } = await report(...argv, '--memory', '99TB')
  // A bit too large, so that one flag is enough, and much too large.
  for (const share of [0.98, 0.7, 0.5]) {
    const memory = Math.floor(share * total[place])
    const { fits, advice } = await report(...argv, '--memory', String(memory))
    expect(fits).toBe(false)
    if (share === 0.98) expect(advice).toContain(flag)
    const { flags, enough } = alternatives(advice ?? '')
    for (const set of flags) {
      const changed = await report(...argv, ...set, '--memory', String(memory))
      expect(changed.fits, `${set.join(' ')} for ${memory}`).toBe(enough)
      expect(changed.total[place]).toBeLessThan(total[place])
    }
  }
})

test('train refuses, and takes the flags that it names', async () => {
  const argv = ['train', '--dry_run', '--json', ...lora, '--device', 'cpu', '--solver_model', tiny]
  const run = (...more: string[]) => runCommand([...argv, '--data_dir', join(tiny, 'images'), ...more])
  const { stdout } = await run()
  const { memory } = JSON.parse(stdout) as { memory: RunReport }
  const limit = ['--memory_limit', String(Math.floor(0.9 * memory.total.host))]
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
  // The 36 layers have a line together; a LoRA of rank 16 has as many parameters as in the table above.
  expect(stdout).toMatch(/\n {4}in {3}keys_0 to keys_35 +float32 +\[1, t, 256\]\n/)
  expect(stdout).toMatch(/\n {4}out {2}gradient +float32 +\[29933568\]\n/)
  const { programs } = (await report(...argv)) as RunReport & { programs: PlannedGraph[] }
  expect(programs.map(({ name }) => name)).toEqual(names)
  for (const { nodes, bytes, weight_bytes: weights } of programs)
    expect(Math.min(nodes, bytes, weights)).toBeGreaterThan(0)
})

test('prompts are counted by the tokenizer of a folder, and guessed without one', async () => {
  const argv = [...lora, '--device', 'cpu', '--image_size', '56x56', '--max_new_tokens_proposer', '10']
  // Published prompts of 780 characters; of this tokenizer, which knows few words, a token has two or three.
  const [counted, guessed] = [await report('--model', tiny, ...argv), await report('--model', bare, ...argv)]
  expect(guessed.prompt_tokens).toBeLessThan(counted.prompt_tokens)
  const { promptTokens, layout } = await openConfig(tiny)
  const count = (prompt: string) => promptTokens?.({ prompt }, layout({ width: 56, height: 56 })) ?? NaN
  const proposer = ['--proposer_prompt', 'Ask.', '--solver_prompt', 'Solve {question}, {question}']
  const short = await report('--model', tiny, ...argv, ...proposer)
  // Two places of ten tokens or of the fixed question, and an image of 4 x 4 patches.
  const fixed = count(`Solve ${fallbackQuestion}, ${fallbackQuestion}`)
  expect(short.prompt_tokens).toBe(Math.max(fixed, count('Solve , ') + 20))
})

test('an adapter to start from is planned as it is, in a folder or in a checkpoint', async () => {
  const peft = (folder: string, rank: number) => {
    mkdirSync(folder, { recursive: true })
    const config = { peft_type: 'LORA', r: rank, lora_alpha: 8, target_modules: ['q_proj', 'v_proj'] }
    writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(config))
    return folder
  }
  const step = join(bare, 'step_00001')
  peft(join(step, 'proposer'), 3)
  const [solver, proposer] = [peft(join(bare, 'solver'), 5), step]
  const start = ['--solver_adapter', solver, '--proposer_adapter', proposer]
  const { parameters } = await report('--model', tiny, ...lora, '--device', 'cpu', ...start)
  const targets = ['--lora_targets', 'q_proj,v_proj']
  const fresh = await report('--model', tiny, ...lora, '--device', 'cpu', ...targets, '--lora_r', '8')
  // Rank 5 and rank 3 are as many as one adapter of rank 8, and there are two.
  expect(parameters).toBe(fresh.parameters / 2)
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
  ['an amount', ['--model', '7B', '--memory', 'much'], 'must be a number of bytes'],
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
