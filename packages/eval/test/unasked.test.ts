/** Rows that cannot be asked: they are unscored with their reason and counted, and the measurement goes on. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import type { AskedSampler } from '../src/ask'
import { diagnose } from '../src/diagnostics/diagnose'
import { fileTask } from '../src/file-task'
import { probe } from '../src/probe'
import { evaluate, type EvaluateOptions } from '../src/run/evaluate'
import { formatEvaluation } from '../src/run/format-evaluation'
import { tasks } from '../src/tasks/index'
import { fakeSampler } from './support/fake-sampler'
import { writeSums } from './support/sums'

const tooLarge = () =>
  new EvolmmError('MEMORY_EXCEEDED', 'memory: must be at most 1 GB, got about 9 GB; half the pixels would do')

/** A sampler that cannot take some images. */
function picky(large: (source: string) => boolean, error: () => Error = tooLarge): AskedSampler {
  const sampler = fakeSampler()
  return {
    ...sampler,
    encodeImage: (source) =>
      typeof source === 'string' && large(source) ? Promise.reject(error()) : sampler.encodeImage(source),
  }
}

const named =
  (...names: string[]) =>
  (source: string) =>
    names.some((name) => source.endsWith(`/${name}`))

function sums(count = 10) {
  const folder = temporaryFolder()
  const task = fileTask({ file: writeSums(folder, count), scorer: 'exact' })
  return { folder, task }
}

interface Sample {
  doc_id: number
  evolmm: { values: object; details: { unscored?: string } }
}

test('an image too large for memory makes its row unscored, and the run goes on', async () => {
  const { folder, task } = sums()
  const warnings: [string, string][] = []
  const evaluation = await evaluate({
    tasks: [task],
    sampler: picky(named('4.png', '7.png')),
    batch_size: 3,
    output_path: folder,
    onWarning: (message, code) => warnings.push([message, code]),
  })
  // Rows that nobody scored are no zeros: there is no mean.
  expect(evaluation.tasks).toMatchObject([{ rows: 10, unscored: 2, metrics: { accuracy: null } }])
  const samples = readFileSync(evaluation.files?.samples[0] ?? '', 'utf8')
    .trim()
    .split('\n')
  const rows = samples.map((line) => JSON.parse(line) as Sample)
  expect(rows.map(({ doc_id }) => doc_id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const without = rows.filter(({ evolmm }) => evolmm.details.unscored !== undefined)
  expect(without).toMatchObject(
    [4, 7].map((doc_id) => ({
      doc_id,
      evolmm: { values: { accuracy: null }, details: { unscored: tooLarge().message } },
    })),
  )
  expect(warnings).toEqual(
    [5, 8].map((line) => [
      expect.stringMatching(
        new RegExp(`^sums, .*sums.jsonl:${line}: memory: must be at most .*; the row is unscored$`),
      ) as string,
      'ROW_UNSCORED',
    ]),
  )
})

test('a run that was stopped after such a row goes on without asking it again', async () => {
  const { folder, task } = sums()
  const encoded: string[] = []
  const sampler = picky((source) => {
    encoded.push(source.split('/').at(-1) ?? '')
    return named('1.png')(source)
  })
  const stop = new AbortController()
  const options: EvaluateOptions = {
    ...{ tasks: [task], sampler, batch_size: 2, output_path: folder, onWarning: () => undefined },
    onProgress: ({ done }) => {
      if (done >= 6) stop.abort()
    },
  }
  await expect(evaluate({ ...options, signal: stop.signal })).rejects.toThrow()
  encoded.length = 0
  const { tasks: results } = await evaluate(options)
  expect(results).toMatchObject([{ rows: 10, unscored: 1 }])
  expect(encoded).toEqual(['6.png', '7.png', '8.png', '9.png'])
})

test('of a batch that is too much together halves are asked, and halves of these', async () => {
  const { task } = sums(6)
  const { sample, ...rest } = fakeSampler()
  const calls: number[] = []
  const sampler: AskedSampler = {
    ...rest,
    sample: (given) => {
      calls.push(given.prompts.length)
      if (given.prompts.length > 1) throw tooLarge()
      return sample(given)
    },
  }
  const { tasks: results } = await evaluate({ tasks: [task], sampler, batch_size: 3 })
  // Every third sum is answered wrongly.
  expect(results).toMatchObject([{ unscored: 0, metrics: { accuracy: 4 / 6 } }])
  expect(calls).toEqual([3, 2, 1, 1, 1, 3, 2, 1, 1, 1])
})

test('where no row can be asked the reason is thrown, the place with it, and nothing is noted down', async () => {
  const { folder, task } = sums(3)
  const run = evaluate({ tasks: [task], sampler: picky(() => true), output_path: folder })
  await expect(run).rejects.toMatchObject({
    code: 'MEMORY_EXCEEDED',
    message: expect.stringMatching(/^sums, .*sums.jsonl:1: memory: must be/) as string,
  })
  const [journal] = readdirSync(join(folder, 'org__fake'))
  expect(readFileSync(join(folder, 'org__fake', journal), 'utf8')).toBe('')
})

test.each(['IMAGE_UNREADABLE', 'IMAGE_TOO_NARROW', 'IMAGE_SIZE_UNSUPPORTED', 'PROMPT_TOO_LONG'])(
  'the same with what a row holds in other ways: %s',
  async (code) => {
    const { task } = sums(3)
    const error = () => new EvolmmError(code, 'image: must be another one, got this; choose another')
    const sampler = picky(named('1.png'), error)
    const { tasks: results } = await evaluate({ tasks: [task], sampler, onWarning: () => undefined })
    expect(results).toMatchObject([{ rows: 3, unscored: 1 }])
  },
)

test('what is not about a row ends the run as before', async () => {
  const { task } = sums(3)
  const error = () => new EvolmmError('DEVICE_FAILED', 'device: must answer, got nothing; start again')
  const sampler = picky(named('1.png'), error)
  await expect(evaluate({ tasks: [task], sampler })).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
})

test.each(tasks.map((task) => [task.name, task] as const))(
  '%s adds up what has a row that nobody scored, in each mode',
  (_, task) => {
    for (const mode of ['compat', 'fixed', 'rule-based'] as const) {
      const score = { values: { [Object.keys(task.higherIsBetter)[0]]: null }, parsed: null, details: {} }
      for (const value of Object.values(task.aggregate([score], { mode }))) expect(value).toBeNull()
      task.breakdown?.([score])
    }
  },
)

test('a diagnosis counts the questions that cannot be asked, and a probe does', async () => {
  const items = [1, 2, 3].map((n) => ({ question: `${n}? say: ${n}`, answer: String(n), image: `${n}.png` }))
  const judge = (text: string) => ({ key: text, right: true })
  const questions = items.map(({ question, image }) => ({ prompt: question, images: [image], judge }))
  const sampler = picky((source) => source === '2.png')
  expect(await diagnose({ questions, sampler, samples: 2, batch_size: 3 })).toMatchObject({
    ...{ questions: 2, known: 2, unasked: 1, greedy: 1 },
  })
  expect(await probe({ items, sampler })).toMatchObject({ questions: 2, unasked: 1, accuracy: 1 })
  const none = diagnose({ questions, sampler: picky(() => true) })
  await expect(none).rejects.toMatchObject({ code: 'MEMORY_EXCEEDED' })
  expect(await diagnose({ questions, sampler: picky(() => false) })).not.toHaveProperty('unasked')
})

test('a metric that is no number, such as a mean of nothing, is shown as nothing', async () => {
  const { task } = sums()
  const own = { ...task, aggregate: () => ({ ratio: 0 / 0, bound: 1 / 0, half: 0.5 }) }
  const evaluation = await evaluate({ tasks: [own], sampler: fakeSampler() })
  expect(evaluation.tasks[0]?.metrics).toEqual({ ratio: null, bound: null, half: 0.5 })
  expect(formatEvaluation(evaluation)).not.toMatch(/NaN|Infinity/)
})
