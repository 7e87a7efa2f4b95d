/** The published recipe, checked on the tiny checkpoint and on data in the layout of MathV360K: only sizes and places are others. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adapterArrays, loadVlm } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MstarReport } from '../../../packages/cli/src/plan/mstar-report'
import { runCommand } from '../../../packages/cli/test/support/run-command'
import { published, splitMathV360K } from '../split-mathv360k.mjs'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const recipe = path('../mathv360k.json')
const tiny = path('../../../packages/vlm/test/fixtures/qwen2_5_vl-tiny')
const home = mkdtempSync(join(tmpdir(), 'evolmm-mathv360k-'))
const folder = join(home, 'MathV360K')
const sources = ['FigureQA', 'Geometry3K', 'TabMWP'] as const

/** Eight images of three sources, with three questions about each. */
beforeAll(async () => {
  const rows = Array.from({ length: 24 }, (_, i) => {
    const image = `${sources[(i >> 1) % 3]}/images/${i % 8}.png`
    const asked = `<image>\nHint: Please answer the question.\nQuestion: How many are there in ${i}?`
    const choices = i % 2 === 0 ? '\nChoices:\n(A) 6\n(B) 7' : ''
    return {
      image,
      conversations: [
        { from: 'human', value: asked + choices },
        { from: 'gpt', value: 'The answer is 6.' },
      ],
    }
  })
  for (const { image } of rows) {
    const file = join(folder, 'data_images', image)
    mkdirSync(join(file, '..'), { recursive: true })
    copyFileSync(join(tiny, 'images/img0.png'), file)
  }
  writeFileSync(join(folder, 'train_samples_all_tuned.json'), JSON.stringify(rows))
  const vlm = await loadVlm(tiny, { threads: 1 })
  const reward = vlm.addValueHead(vlm.createAdapter({ rank: 1, seed: 1 }))
  adapterArrays(reward).get('score.weight')?.data.fill(0.1)
  await vlm.saveAdapter(join(home, 'reward'), reward)
  await vlm.dispose()
})
afterAll(() => {
  rmSync(home, { recursive: true })
})

test('the constants are those of the paper', () => {
  const constants = JSON.parse(readFileSync(recipe, 'utf8')) as Record<string, unknown>
  expect(constants).toMatchObject({
    ...{ model: 'openbmb/MiniCPM-Llama3-V-2_5', variant: 'continuous', interval: 0.25 },
    ...{ num_generations: 16, temperature: 1, selection: 'top-k', select_k: 2 },
    ...{ batch_size: 128, lr: 1e-6, lr_scheduler: 'constant', warmup_ratio: 0.1, total_steps: 10_000 },
    ...{ adaptive_temperature: true, temperature_every: 2 },
  })
  expect(published).toEqual({ labelled: 180_000, validation: 250, test: 750 })
})

test('the data set is split so that no image is in two parts, and all of it is checked before anything is done', async () => {
  const counts = await splitMathV360K({ folder, sizes: { validation: 4, test: 3, labelled: 12 }, seed: 1 })
  const parts = Object.keys(counts).map((name) => {
    const lines = readFileSync(join(folder, `${name}.jsonl`), 'utf8')
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { image: string }).image)
  })
  expect(Object.values(counts)).toEqual(parts.map((images) => images.length))
  expect(parts.flat()).toHaveLength(24)
  const distinct = parts.map((images) => new Set(images))
  expect(distinct.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(parts.flat()).size)
  expect(counts.labelled).toBeGreaterThan(counts.test)

  const check = (...more: string[]) =>
    runCommand([
      ...['mstar', '--config', recipe, '--dry_run', '--model', tiny, '--device', 'cpu', '--dtype', 'float32'],
      ...['--data', join(folder, 'labelled.jsonl'), '--validation', join(folder, 'validation.jsonl')],
      ...['--reward_model', join(home, 'reward'), '--output_dir', join(home, 'run'), ...more],
    ])
  const { code, stdout, stderr } = await check()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(`${counts.labelled} questions, ${counts.validation} of validation.`)
  expect(stdout).toMatch(/\nIt fits: /)
  rmSync(join(folder, 'data_images', parts[Object.keys(counts).indexOf('labelled')][0]))
  const broken = await check('--json')
  expect({ code: broken.code, stdout: broken.stdout }).toEqual({ code: 2, stdout: '' })
  expect(broken.stderr).toMatch(
    /^evolmm: \S+labelled\.jsonl: question 1: must be about pictures that can be read/,
  )
})

test('the README says what the recipe takes with a model of this size', async () => {
  const readme = readFileSync(path('../README.md'), 'utf8')
  const [, command = '', shown] =
    /```sh\nevolmm (plan mstar [^`]*?)```\n[^`]*```text\n(.*?)```/s.exec(readme) ?? []
  const argv = command.replaceAll('\\\n', ' ').trim().split(/\s+/)
  const { code, stdout } = await runCommand(argv.map((word) => (word === 'mathv360k.json' ? recipe : word)))
  expect({ code, stdout }).toEqual({ code: 0, stdout: shown })
  const json = JSON.parse(
    (await runCommand([...argv.map((word) => (word === 'mathv360k.json' ? recipe : word)), '--json'])).stdout,
  ) as MstarReport
  // 45,000 questions a cycle, of each of which two answers are kept: 704 steps, so that the 15th cycle reaches 10,000.
  expect(json.work).toMatchObject({ kept: 90_000, cycles: 15 })
  expect(json.work.answers).toEqual({
    generate: 15 * 45_000 * 16,
    monitor: 15 * 250 * 17,
    // Before the 3rd, 5th, ... 15th cycle.
    sweep: 7 * 14 * 16 * 250,
  })
})
