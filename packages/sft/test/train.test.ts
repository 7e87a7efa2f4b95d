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
import { openConfig } from '@evolmm/vlm'
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
