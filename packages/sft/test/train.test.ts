/** Supervised learning as a run on disk. What the command makes of it is tested with the command. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readLog } from '@evolmm/runs'
import { readSafetensors } from '@evolmm/safetensors'
import { adapterArrays, loadVlm, openConfig } from '@evolmm/vlm'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sft, train, type SftRecord, type SftOptions } from '../src'

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
let home: string
let data: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-sft-'))
  data = join(home, 'lessons.jsonl')
  for (const i of [0, 1, 2])
    await sharp({ create: { width: 56, height: 56, channels: 3, background: { r: 90 * i, g: 40, b: 90 } } })
      .png()
      .toFile(join(home, `${i}.png`))
  const lines = [0, 1, 2].map((i) => JSON.stringify({ image: `${i}.png`, question: 'How many?', answer: i }))
  writeFileSync(data, lines.join('\n'))
})
afterAll(() => {
  rmSync(home, { recursive: true })
})

const learn = (name: string, given: Partial<SftOptions> = {}) =>
  train({
    ...{ model, data, output_dir: join(home, name), device: 'cpu', threads: 1 },
    ...{ use_lora: true, lora_r: 2, lora_targets: ['v_proj'], lora_dropout: 0.1 },
    ...{ total_steps: 5, batch_size: 2, lr: 3e-3, warmup_steps: 1, save_every: 2 },
    ...given,
  })

async function records(name: string): Promise<SftRecord[]> {
  const all: SftRecord[] = []
  for await (const record of readLog(join(home, name), sft)) all.push({ ...record, seconds: 0 })
  return all
}

const adapter = (name: string) => readFileSync(join(home, name, 'adapter_model.safetensors'))

test('a former folder whose settings have no end is refused before they fill the memory', async () => {
  mkdirSync(join(home, 'endless'))
  const file = join(home, 'endless', 'warmup.json')
  writeFileSync(file, '{}')
  truncateSync(file, 2 ** 36)
  await expect(learn('endless')).rejects.toMatchObject({
    code: 'UNREADABLE_FILE',
    message: expect.stringContaining(`${file}: must have at most 64 MiB`) as string,
  })
})

test('an unfinished run has its newest state, a finished one its adapter; it ends as if it had never stopped', async () => {
  expect(await learn('whole')).toEqual({ step: 5, status: 'finished', wasFinished: false })
  const stop = new AbortController()
  const stopped = await learn('parts', {
    signal: stop.signal,
    onRecord: ({ step }) => {
      if (step === 3) stop.abort()
    },
  })
  expect(stopped).toEqual({ step: 3, status: 'stopped', wasFinished: false })
  expect(readdirSync(join(home, 'parts')).sort()).toEqual(['run.json', 'step_00003', 'warmup_log.jsonl'])
  expect(await learn('parts')).toMatchObject({ step: 5, status: 'finished' })
  expect(await records('parts')).toEqual(await records('whole'))
  expect(adapter('parts').equals(adapter('whole'))).toBe(true)
  const names = [
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'run.json',
    'warmup_log.jsonl',
  ]
  expect(readdirSync(join(home, 'whole')).sort()).toEqual(names)
  expect(readdirSync(join(home, 'parts')).sort()).toEqual(names)
})

test('values of steps are learned with a head that begins as the mean of the embeddings, and both load again', async () => {
  const steps = join(home, 'steps.jsonl')
  const row = (images: string[], values: number[]) =>
    JSON.stringify({
      images,
      turns: [{ prompt: 'How many?', steps: values.map((value, i) => ({ text: `Step ${i}.\n`, value })) }],
    })
  writeFileSync(steps, [row(['0.png', '1.png'], [1, 0.5]), row(['2.png'], [0, 0.25, 1])].join('\n'))
  const given = { data: steps, value_head: true, total_steps: 3 }
  const { status } = await learn('values', given)
  expect(status).toBe('finished')
  const [first] = await records('values')
  expect(first).toMatchObject({ images: 3, answers: 2 })

  const vlm = await loadVlm(model, { threads: 1 })
  const tensors = await readSafetensors(join(model, 'model.safetensors'))
  const [table] = [...tensors].flatMap(([name, { data }]) =>
    name.endsWith('embed_tokens.weight') ? [data] : [],
  )
  const width = 64
  const mean = Array.from({ length: width }, (_, i) => {
    let sum = 0
    for (let at = i; at < table.length; at += width) sum += table[at]
    return sum / (table.length / width)
  })
  const opened = vlm.addValueHead(vlm.createAdapter({ rank: 2 }))
  expect(adapterArrays(opened).get('score.weight')?.shape).toEqual([1, width])
  const start = [...(await vlm.meanEmbedding())]
  expect(start.map((value, i) => Math.abs(value - mean[i])).every((off) => off < 1e-6)).toBe(true)
  const learned = await vlm.loadAdapter(join(home, 'values'))
  const head = [...(adapterArrays(learned).get('score.weight')?.data ?? [])]
  // Three steps of AdamW at 3e-3 with a rise of one: no value moves by more than 9e-3 and its decay.
  expect(head.map((value, i) => Math.abs(value - mean[i])).every((off) => off > 0 && off < 0.01)).toBe(true)
  await vlm.dispose()
})

test.each([
  ['a completion without steps', { value_head: true }, 'list of { prompt, steps'],
  ['all weights', { value_head: true, use_lora: false }, 'use_lora'],
])('a value head with %s is refused', async (_, given, said) => {
  const file = join(home, 'plain.jsonl')
  writeFileSync(file, JSON.stringify({ image: '0.png', turns: [{ prompt: 'How many?', completion: '0' }] }))
  const lora = { lora_r: undefined, lora_targets: undefined, lora_dropout: undefined }
  const more = 'use_lora' in given ? lora : {}
  await expect(learn('refused', { data: file, ...more, ...given })).rejects.toThrow(said)
})

test('a finished run is not run again, and no model is opened for it', async () => {
  const openModel = () => Promise.reject(new Error('opened'))
  expect(await learn('whole', { openModel })).toEqual({ step: 5, status: 'finished', wasFinished: true })
})

test('other settings, other lessons and a folder with a model are refused before a model is opened', async () => {
  const openModel = () => Promise.reject(new Error('opened'))
  await expect(learn('whole', { lr: 1e-4, openModel })).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    details: { changed: ['lr'] },
  })
  const other = join(home, 'other.jsonl')
  writeFileSync(other, `${readFileSync(data, 'utf8')}\n`)
  await expect(learn('whole', { data: other, openModel })).rejects.toMatchObject({
    details: { changed: ['data_sha256'] },
  })
  rmSync(join(home, 'parts/run.json'))
  await expect(learn('parts', { openModel })).rejects.toMatchObject({ code: 'WOULD_OVERWRITE' })
  await expect(learn('none', { model: undefined })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    details: { option: 'model' },
  })
})

test('weights that no vector holds are refused from the configuration, before any is read', async () => {
  const large = join(home, 'large')
  mkdirSync(large)
  const config = (await openConfig('7B')).backbone.configJson({ dtype: 'bfloat16', source: {} })
  writeFileSync(join(large, 'config.json'), JSON.stringify(config))
  const given = { model: large, data, output_dir: join(home, 'too-large'), use_lora: false, total_steps: 1 }
  await expect(train({ ...given, device: 'cpu' })).rejects.toMatchObject({
    code: 'TOO_MANY_PARAMETERS',
    message: expect.stringMatching(/got 7,615,616,512; set use_lora, or take a smaller model$/) as string,
  })
})
