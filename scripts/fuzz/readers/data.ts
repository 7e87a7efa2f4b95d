/** Images, data sets and what is made of their rows. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  checkImage,
  openRows,
  readManifest,
  readQuestions,
  writeManifest,
  type DataRow,
} from '../../../packages/dataset/src/index'
import { tasks } from '../../../packages/eval/src/tasks/index'
import { isObject, parseObject } from '../../../packages/internal/src/index'
import { readLessons } from '../../../packages/sft/src/read-lessons'
import { decodeImage } from '../../../packages/vlm/src/index'
import { asFile, doAll, files, former, given, readAll, type FuzzedReader } from './reader'

const images = 'packages/vlm/test/fixtures/images'

/** Columns that rows of our vectors leave out. */
const columns = {
  ...{ index: 3, id: 'validation_Math_3', question: 'How many?', hint: '', context: '', unit: null },
  ...{ category: 'math', l2_category: 'algebra', 'L2-category': 'algebra', domain: 'math', topic: 'algebra' },
  ...{
    query_wo: 'How many?',
    question_for_eval: 'How many?',
    metadata: { subject: 's' },
    type: 'human_test',
  },
}

/** Rows of the benchmarks, two of each, with the answer of a model. */
function rowsOfTasks(): Promise<Uint8Array[]> {
  const { tasks: groups } = JSON.parse(
    readFileSync('packages/eval/test/fixtures/eval-vectors.json', 'utf8'),
  ) as { tasks: Record<string, { input: { doc?: object; prediction?: string } }[]> }
  const rows = tasks.flatMap(({ name }) => {
    // Some tasks are variants of one.
    const group = Object.keys(groups).find((each) => each === name) ?? name.replace(/_[^_]+$/, '')
    const found = groups[group].filter(
      ({ input }) => input.doc !== undefined && input.prediction !== undefined,
    )
    return [found[0], found[found.length >> 1]].map(({ input: { doc, prediction } }) => ({
      task: name,
      prediction,
      row: { ...columns, ...doc },
    }))
  })
  return Promise.resolve(rows.map((row) => Buffer.from(JSON.stringify(row))))
}

function readTaskRow(input: Uint8Array): Promise<void> {
  const { task: name, row, prediction } = parseObject(Buffer.from(input).toString()) ?? {}
  const task = tasks.find((each) => each.name === name)
  if (task === undefined || !isObject(row)) return Promise.resolve()
  const bytes = new Uint8Array(1)
  const whole: DataRow = { image: bytes, decoded_image: bytes, image_1: bytes, ...row }
  return doAll(
    () => task.prompt(whole),
    () => task.target(whole),
    ...(['compat', 'fixed', 'rule-based'] as const).map((mode) => async () => {
      const score = await task.score(whole, typeof prediction === 'string' ? prediction : '', { mode })
      task.aggregate([score], { mode })
      task.breakdown?.([score])
    }),
  )
}

export const dataReaders: readonly FuzzedReader[] = [
  {
    ...{ name: 'parquet', text: false },
    corpus: files(
      ...['snappy', 'gzip', 'zstd'].map((name) => `packages/dataset/test/fixtures/parquet/${name}.parquet`),
    ),
    read: asFile('x.parquet', async (file) => {
      const rows = await openRows({ file }, { readTimeout: 2000 })
      try {
        await readAll(rows.read(0, Math.min(rows.length, 100)))
      } finally {
        await rows.close()
      }
    }),
  },
  {
    ...{ name: 'lists of conversations', text: true },
    corpus: given(
      '[{"image": "a/b.png", "conversations": [{"from": "human", "value": "<image>\\nQuestion: Which?\\nChoices:\\n(A) x\\n(B) y"}, {"from": "gpt", "value": "The answer is A"}]}, {"question": "x", "answer": 1}]',
    ),
    read: asFile('x.json', async (file) => {
      await readAll(readQuestions(file))
    }),
  },
  {
    ...{ name: 'labelled questions', text: true },
    corpus: given(
      '{"question": "How many?", "answer": 3, "image": "a.png"}\n{"question": "Which?", "options": ["x", "y"], "answers": ["A"]}\n',
    ),
    read: asFile('x.jsonl', async (file) => {
      await readAll(readQuestions(file))
    }),
  },
  lessons(
    'lessons',
    false,
    readFileSync(join(former, 'lessons.jsonl'), 'utf8'),
    '{"image": "pictures/0.png", "turns": [{"prompt": "How many?", "completion": "0"}]}\n',
  ),
  lessons(
    'values of steps',
    true,
    '{"images": ["pictures/0.png", "pictures/1.png"], "turns": [{"prompt": "How many?", "steps": [{"text": "Two.", "value": 0.5}]}]}\n',
  ),
  {
    ...{ name: 'rows of benchmarks', text: true },
    corpus: rowsOfTasks,
    read: readTaskRow,
  },
  {
    ...{ name: 'image', text: false },
    corpus: files(
      ...['420.jpg', 'exif.png', 'animated.gif', 'animated.webp', '420.avif', 'bilevel.tif'].map((name) =>
        join(images, name),
      ),
    ),
    read: asFile('x.png', async (file) => {
      await checkImage(file)
      await decodeImage(file)
    }),
  },
  {
    ...{ name: 'manifest', text: true },
    corpus: async (folder) => {
      const file = join(folder, 'manifest.jsonl')
      const stamp = { size: 10, mtime: 1.5 }
      const rules = { maxPixels: 1e6, acceptWrongExtension: false }
      await writeManifest(file, { images: 2, ...rules }, [
        { path: 'a.png', ...stamp, sha256: '0'.repeat(64), width: 2, height: 3, format: 'png' },
        { path: 'b.png', ...stamp, skipped: 'unreadable', detail: 'cut' },
      ])
      return [readFileSync(file)]
    },
    read: asFile('manifest.jsonl', async (file) => {
      await readAll((await readManifest(file)).entries)
    }),
  },
]

/** Lessons beside the pictures that they are about. */
function lessons(name: string, valued: boolean, ...texts: readonly string[]): FuzzedReader {
  return {
    ...{ name, text: true },
    corpus: given(...texts),
    read: asFile(
      'x.jsonl',
      (file) => readLessons(file, { system: null, value_head: valued }),
      (folder) => {
        mkdirSync(join(folder, 'pictures'))
        for (const picture of ['0.png', '1.png', '2.png'])
          copyFileSync(join(former, 'pictures', picture), join(folder, 'pictures', picture))
      },
    ),
  }
}
