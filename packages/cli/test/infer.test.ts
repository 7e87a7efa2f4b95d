/**
 * `evolmm infer` with the real library on the tiny checkpoint and adapters that PEFT wrote. Expected answers are those of
 * transformers, see fixtures/infer/make_infer.py.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '@evolmm/safetensors'
import { expect, onTestFinished, test, vi } from 'vitest'
import { serveHub } from '@evolmm/internal/testing'
import { library } from '../src/installed-library'
import { adapter, completion, fakeLibrary } from './support/fake-library'
import { given, runCommand } from './support/run-command'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const vlm = new URL('../../vlm/test/fixtures/', import.meta.url)
const model = fileURLToPath(new URL('qwen2_5_vl-tiny', vlm))
const peft = fileURLToPath(new URL('peft-tiny', vlm))
const image = join(model, 'images/img0.png')

interface Outputs {
  ids: number[]
  text: string
  logprobs: number[]
}
const reference = JSON.parse(
  readFileSync(new URL('fixtures/infer/reference.json', import.meta.url), 'utf8'),
) as { question: string; base: Outputs; solver: Outputs; merged_rows: Record<string, number[]> }

const question = ['--image', image, '--question', reference.question]
const short = ['--max_new_tokens', '24']

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-infer-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

async function infer(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['infer', '--model', model, ...argv], { library })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

/** PEFT's solver adapter as the folder itself. */
const solver = join(peft, 'solver')

test('without an adapter: the greedy text of transformers, streamed', async () => {
  expect(await infer(...question, ...short)).toBe(`${reference.base.text}\n`)
})

test('with an adapter, of language and vision modules: ids, text and log-probabilities of transformers', async () => {
  expect(await infer('--adapter', solver, ...question, ...short)).toBe(`${reference.solver.text}\n`)
  const json = JSON.parse(await infer('--adapter', solver, ...question, ...short, '--json')) as {
    answer: string
    ids: number[]
    logprobs: number[]
  }
  expect(json).toMatchObject({ answer: reference.solver.text, ids: reference.solver.ids, merged: null })
  expect(json.logprobs).toHaveLength(reference.solver.logprobs.length)
  for (const [i, logprob] of json.logprobs.entries())
    expect(Math.abs(logprob - reference.solver.logprobs[i])).toBeLessThan(1e-4)
})

test("a run's checkpoint: its solver is taken, its proposer has a subfolder's name", async () => {
  const step = join(temporaryFolder(), 'step_00050')
  cpSync(solver, join(step, 'solver'), { recursive: true })
  for (const file of ['adapter_config.json', 'adapter_model.safetensors'])
    cpSync(join(peft, file), join(step, 'proposer', file))
  expect(await infer('--adapter', step, ...question, ...short)).toBe(`${reference.solver.text}\n`)
  const proposer = await infer('--adapter', step, '--adapter_subfolder', 'proposer', ...question, ...short)
  expect(proposer).toBe(await infer('--adapter', join(step, 'proposer'), ...question, ...short))
  expect(proposer).not.toBe(`${reference.solver.text}\n`)
})

test('the released layout of a shared backbone keeps the proposer within the solver', async () => {
  const step = join(temporaryFolder(), 'step_00050')
  mkdirSync(join(step, 'solver'), { recursive: true })
  for (const file of ['adapter_config.json', 'adapter_model.safetensors'])
    cpSync(join(peft, file), join(step, 'solver', file))
  cpSync(solver, join(step, 'solver/proposer'), { recursive: true })
  const flags = ['--adapter_subfolder', 'solver/proposer', ...question, ...short]
  expect(await infer('--adapter', step, ...flags)).toBe(`${reference.solver.text}\n`)
})

test('adapters on the hub load by id, from a subfolder, at their own revision and not that of the model', async () => {
  const files = Object.fromEntries(
    ['adapter_config.json', 'adapter_model.safetensors'].map((file) => [
      `solver/${file}`,
      readFileSync(join(solver, file)),
    ]),
  )
  const hub = await serveHub({ id: 'omkarthawakar/EvoLMM', commit: 'c'.repeat(40), files })
  vi.stubEnv('HF_ENDPOINT', hub.endpoint)
  vi.stubEnv('HF_HOME', temporaryFolder())
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const flags = ['--adapter', 'omkarthawakar/EvoLMM', '--revision', 'of-the-model', ...question, ...short]
  const first = await runCommand(['infer', '--model', model, ...flags], { library })
  expect(first).toMatchObject({ code: 0, stdout: `${reference.solver.text}\n` })
  expect(hub.transfers('solver/adapter_model.safetensors')).toHaveLength(1)
  // The second time it comes from the cache, also under its full name.
  expect(await infer(...flags, '--adapter_subfolder', 'solver')).toBe(`${reference.solver.text}\n`)
  expect(hub.transfers('solver/adapter_model.safetensors')).toHaveLength(1)
})

test('--merge writes the weights that PyTorch adds up, and a checkpoint that answers alike without an adapter', async () => {
  const merged = join(temporaryFolder(), 'merged')
  const argv = ['infer', '--model', model, '--adapter', solver, '--merge', merged]
  const { code, stdout, stderr } = await runCommand(argv, { library })
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: `written: ${merged} (float32)\n` })
  const tensors = await readSafetensors(join(merged, 'model.safetensors'))
  const former = (name: string) =>
    name.replace('model.language_model.', 'model.').replace('model.visual.', 'visual.')
  for (const [name, row] of Object.entries(reference.merged_rows)) {
    const values = tensors.get(`${former(name)}.weight`)?.data ?? new Float32Array()
    expect(row.length).toBeGreaterThan(16)
    for (const [i, value] of row.entries()) expect(Math.abs(values[i] - value)).toBeLessThan(1e-6)
  }
  const answer = await runCommand(['infer', '--model', merged, ...question, ...short], { library })
  expect(answer.stdout).toBe(`${reference.solver.text}\n`)
  const again = await runCommand(argv, { library })
  expect(again).toMatchObject({ code: 2, stdout: '' })
  expect(again.stderr).toBe(
    `evolmm: --merge ${JSON.stringify(merged)}: must not have a checkpoint yet, got one; choose another folder\n`,
  )
})

test('the folder of a run is no adapter, but names its newest checkpoint that is complete', async () => {
  const run = join(temporaryFolder(), 'run')
  for (const name of ['step_00005', 'step_00010', 'step_00015']) {
    cpSync(solver, join(run, name, 'solver'), { recursive: true })
    if (name !== 'step_00015') writeFileSync(join(run, name, 'SAVE_OK'), '')
  }
  const argv = ['infer', '--model', model, ...question, ...short]
  const { code, stderr } = await runCommand([...argv, '--adapter', run], { library })
  expect(code).toBe(2)
  expect(stderr).toBe(
    `evolmm: --adapter ${JSON.stringify(run)}: must be the folder of an adapter, got that of a run; its newest checkpoint is ${join(run, 'step_00010')}\n`,
  )
  expect((await runCommand([...argv, '--adapter', join(run, 'step_00010')], { library })).code).toBe(0)
  for (const gone of [join(run, 'step_00004'), join(run, 'step_00004', 'solver')])
    expect((await runCommand([...argv, '--adapter', gone], { library })).stderr).toBe(
      `evolmm: --adapter ${JSON.stringify(gone)}: must be the folder of an adapter, got nothing there; the run's newest checkpoint is ${join(run, 'step_00010')}\n`,
    )
})

test("what is not given is as in the released script: greedy, 1024 tokens, the template's system message", async () => {
  const argv = ['infer', '--model', 'tiny', '--adapter', 'lora', ...question]
  const { code, calls } = await runCommand(argv)
  expect(code).toBe(0)
  expect(given(calls, 'prompt')).toMatchObject([{ prompt: reference.question }])
  expect(given(calls, 'prompt')[0]).not.toHaveProperty('system')
  expect(given(calls, 'stream')).toMatchObject([
    { temperature: 0, topP: 1, maxNewTokens: 1024, seed: 0, adapter },
  ])
})

test('--merge beside a question does both, and --merge_dtype says in which type', async () => {
  const argv = ['infer', '--model', 'tiny', '--adapter', 'lora', ...question, '--json']
  const { code, stdout, calls } = await runCommand([...argv, '--merge', 'out', '--merge_dtype', 'bfloat16'], {
    library: fakeLibrary({ completions: [completion] }),
  })
  expect(code).toBe(0)
  expect(given(calls, 'saveMerged')).toEqual(['out', adapter, { dtype: 'bfloat16' }])
  expect(JSON.parse(stdout)).toEqual({
    ...{ answer: '6', ids: [54], logprobs: [0], finish_reason: 'stop', merged: 'out' },
  })
})

test.each([
  ['no question', ['--image', image], '--question: must be given, got nothing; see evolmm infer --help'],
  ['no image', ['--question', 'x'], '--image: must be given, got nothing'],
  ['a merge of nothing', ['--merge', 'out'], '--adapter: must be given, got nothing'],
  [
    'half a question beside a merge',
    ['--merge', 'out', '--adapter', 'a', '--question', 'x'],
    '--image: must be given',
  ],
  [
    'a type of no merge',
    [...question, '--merge_dtype', 'float16'],
    '--merge_dtype: must go with --merge, got float16 alone',
  ],
  [
    'a subfolder of no adapter',
    [...question, '--adapter_subfolder', 'solver'],
    '--adapter_subfolder: must go with --adapter',
  ],
])('bad input ends in one line and exit code 2: %s', async (_, argv, message) => {
  const { code, stdout, stderr, calls } = await runCommand(['infer', '--model', 'tiny', ...argv])
  expect({ code, stdout, calls }).toEqual({ code: 2, stdout: '', calls: [] })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})
