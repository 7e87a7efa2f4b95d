/** All that reads what comes from outside: its name, a few small inputs that are good, and how one is read. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  checkImage,
  openRows,
  readManifest,
  readQuestions,
  writeManifest,
} from '../../packages/dataset/src/index'
import { openJournal } from '../../packages/eval/src/run/journal'
import { readSamples } from '../../packages/eval/src/compare/read-samples'
import { resolveRepo } from '../../packages/hub/src/index'
import { Graph, op, parse, serialize } from '../../packages/onnx/src/index'
import { normalizers, parseAnswer, parseQuestion, scorers } from '../../packages/rewards/src/index'
import { readCheckpoint, readLog, readRunFile } from '../../packages/runs/src/index'
import { readWandbState } from '../../packages/runs/src/trackers/wandb/wandb-state'
import { openSafetensors, readSafetensors, writeSafetensors } from '../../packages/safetensors/src/index'
import { readConfigFile, readSources } from '../../packages/settings/src/index'
import { loadState } from '../../packages/sft/src/index'
import { evolmm, evolmmSettings } from '../../packages/trainer/src/index'
import { checkedData } from '../../packages/trainer/src/saved-state'
import { checkFolder, decodeImage, readAdapterShape } from '../../packages/vlm/src/index'
import { parseChatTemplate } from '../../packages/vlm/src/prompt/chat-template'

export interface FuzzedReader {
  name: string
  /** True for what people could write by hand: its words and numbers are changed, not bytes alone. */
  text: boolean
  corpus: (folder: string) => Promise<Uint8Array[]>
  /** Reads an input; `folder` is empty at first, and the same for all of them. Throws typed errors only. */
  read: (input: Uint8Array, folder: string) => Promise<unknown>
}

const checkpoint = 'packages/vlm/test/fixtures/qwen2_5_vl-tiny'
const images = 'packages/vlm/test/fixtures/images'
const commit = 'a'.repeat(40)
const run = 'packages/cli/test/fixtures/former/run'
const latest = join(run, 'step_00003')

export const readers: readonly FuzzedReader[] = [
  {
    ...{ name: 'safetensors', text: false },
    corpus: async (folder) => {
      const file = join(folder, 'x.safetensors')
      await writeSafetensors(file, [{ name: 'a', shape: [2, 3], values: new Float32Array(6) }])
      return [readFileSync(file), readFileSync(join(latest, 'solver/adapter_model.safetensors'))]
    },
    read: asFile('x.safetensors', async (file) => {
      await openSafetensors({ files: [file] })
      await readSafetensors(file)
    }),
  },
  {
    ...{ name: 'vectors of a warm-up', text: false },
    corpus: files('packages/cli/test/fixtures/former/warmup/warmup.safetensors'),
    read: asFile('x.safetensors', loadState),
  },
  {
    ...{ name: 'index of shards', text: true },
    corpus: given(
      '{"metadata": {"total_size": 24}, "weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}',
    ),
    read: asFile('model.safetensors.index.json', async (_, folder) => {
      for (const name of ['a', 'b'])
        await writeSafetensors(join(folder, `${name}.safetensors`), [
          { name, shape: [1], values: new Float32Array(1) },
        ])
      await openSafetensors({ folder })
    }),
  },
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
    ...{ name: 'labelled questions', text: true },
    corpus: given(
      '{"question": "How many?", "answer": 3, "image": "a.png"}\n{"question": "Which?", "options": ["x", "y"], "answers": ["A"]}\n',
    ),
    read: asFile('x.jsonl', async (file) => {
      await readAll(readQuestions(file))
    }),
  },
  ...[
    'config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'preprocessor_config.json',
    'generation_config.json',
  ].map((name): FuzzedReader => ({
    ...{ name, text: true },
    corpus: files(join(checkpoint, name)),
    read: async (input, folder) => {
      if (!existsSync(folder))
        cpSync(checkpoint, folder, { recursive: true, filter: (path) => !path.includes('reference') })
      writeFileSync(join(folder, name), input)
      await checkFolder(folder)
    },
  })),
  {
    ...{ name: 'chat template', text: true },
    corpus: () => Promise.resolve([Buffer.from(templateOf(join(checkpoint, 'chat_template.json')))]),
    read: (input) => {
      const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'How many?' }] }]
      return Promise.resolve(parseChatTemplate(Buffer.from(input).toString()).render({ messages }))
    },
  },
  {
    ...{ name: 'adapter_config.json', text: true },
    corpus: files(join(latest, 'solver/adapter_config.json')),
    read: asFile('adapter_config.json', readAdapterShape),
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
  {
    ...{ name: 'log of a run', text: true },
    corpus: files(join(run, 'iter_log.jsonl')),
    read: asFile('iter_log.jsonl', async (_, folder) => {
      await readAll(readLog(folder, evolmm))
    }),
  },
  {
    ...{ name: 'run.json', text: true },
    corpus: files(join(run, 'run.json')),
    read: asFile('run.json', (_, folder) => readRunFile(folder)),
  },
  {
    ...{ name: 'state of a checkpoint', text: true },
    corpus: files(join(latest, 'trainer_state.json')),
    read: async (input, folder) => {
      const step = join(folder, 'step_00003')
      if (!existsSync(step)) cpSync(latest, step, { recursive: true })
      writeFileSync(join(step, 'trainer_state.json'), input)
      checkedData(await readCheckpoint(step))
    },
  },
  {
    ...{ name: 'journal of an evaluation', text: true },
    corpus: given(
      '{"task":"own","row":0,"hash":"00","target":"3","input":"How many?","raw":"3","answer":"3","score":{"values":{"accuracy":1}}}\n',
    ),
    read: asFile('20260101_000000_x.partial.jsonl', async (_, folder) => {
      const journal = await openJournal({ folder, fingerprint: 'x', now: () => new Date(0) })
      await journal.close()
    }),
  },
  {
    ...{ name: 'samples of an evaluation', text: true },
    corpus: given(
      '{"doc_id": 0, "doc_hash": "00", "accuracy": 1, "evolmm": {"task": "own", "values": {"accuracy": 1}}}\n',
    ),
    read: asFile('x_samples_own.jsonl', (_, folder) => readSamples(join(folder, 'x_results.json'))),
  },
  {
    ...{ name: 'wandb.json', text: true },
    corpus: given(
      '{"schema_version":1,"entity":"me","project":"p","run_id":"r1","name":"n","directory":"wandb/evolmm-r1","started":1,"sent":0,"output_base":0,"history_base":0,"resume_checked":true,"completed":false,"exit_code":null,"config":{"lr":1}}',
    ),
    read: asFile('wandb.json', (_, folder) => readWandbState(folder)),
  },
  {
    ...{ name: 'ONNX', text: false },
    corpus: () => {
      const graph = new Graph('small')
      graph.output('y', op.Softmax(op.Reshape(graph.input('x', 'float32', ['n', 4]), [2, -1])))
      return Promise.resolve([serialize(graph)])
    },
    read: (input) => Promise.resolve(parse(input)),
  },
  {
    ...{ name: 'listing of the hub', text: true },
    corpus: given(
      `{"sha":"${commit}","siblings":[{"rfilename":"config.json","size":2,"blobId":"${gitHash('{}')}"},{"rfilename":"model.safetensors","size":2,"blobId":"${'b'.repeat(40)}","lfs":{"sha256":"${sha256('{}')}","size":2}}]}`,
    ),
    read: async (input, folder) => {
      // The content of every file is that of an empty object.
      const fetch: typeof globalThis.fetch = (url) =>
        Promise.resolve(
          new Response(
            (url instanceof Request ? url.url : url.toString()).includes('/api/') ? Buffer.from(input) : '{}',
            {
              headers: { 'x-repo-commit': commit },
            },
          ),
        )
      await resolveRepo('owner/name', {
        ...{ fetch, cacheFolder: folder, token: false, environment: {}, retries: 1 },
        ...{ sleep: () => Promise.resolve(), onWarning: () => undefined },
      })
    },
  },
  {
    ...{ name: 'settings file', text: true },
    corpus: given(
      '{"lr": 1e-6, "total_steps": 10, "solver_model": "x", "data_dir": "y", "use_lora_solver": true}',
    ),
    read: asFile('x.json', async (path) => readSources(evolmmSettings, { file: await readConfigFile(path) })),
  },
  {
    ...{ name: 'flags', text: true },
    corpus: given(
      'lr 1e-6\ntotal_steps 10\nsolver_model x\ndata_dir y\nuse_lora_solver true\nlora_targets a,b\n',
    ),
    read: (input) => {
      const lines = Buffer.from(input)
        .toString()
        .split('\n')
        .filter((line) => line !== '')
      const pairs = lines.map((line) => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)])
      return readSources(evolmmSettings, { flags: Object.fromEntries(pairs) as Record<string, string> })
    },
  },
  {
    ...{ name: 'answers', text: true },
    corpus: given(
      '<answer>twenty-one thousand</answer>',
      '<think>x</think><question>How many dots are there?</question>',
      'The answer is \\boxed{\\frac{3}{4}\\text{ cm}^2}.',
      '$1,234.50 or (B) 12 km/h, 1e3, 50 %',
    ),
    read: (input) => {
      const text = Buffer.from(input).toString()
      parseAnswer(text)
      parseQuestion(text)
      for (const normalize of Object.values(normalizers)) normalize(text)
      for (const scorer of Object.values(scorers)) {
        scorer.read(text, ['3', '4'])
        scorer.score(text, ['3', text.slice(0, 100)], ['3', '4'])
      }
      return Promise.resolve()
    },
  },
]

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  while ((await iterator.next()).done !== true);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function gitHash(text: string): string {
  return createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex')
}

function files(...paths: string[]): FuzzedReader['corpus'] {
  return () => Promise.resolve(paths.map((path) => readFileSync(path)))
}

function given(...texts: string[]): FuzzedReader['corpus'] {
  return () => Promise.resolve(texts.map((text) => Buffer.from(text)))
}

function asFile(
  name: string,
  read: (file: string, folder: string) => Promise<unknown>,
): FuzzedReader['read'] {
  return async (input, folder) => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, name), input)
    await read(join(folder, name), folder)
  }
}

function templateOf(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { chat_template: string }).chat_template
}
