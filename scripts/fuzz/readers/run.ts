/** The folder of a run, and its settings. */
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mstar, type MstarRecord } from '../../../packages/mstar/src/index'
import { writeReport } from '../../../packages/report/src/index'
import { compareIdentity, readCheckpoint, readLog, readRunFile } from '../../../packages/runs/src/index'
import { readConfigFile, readSources } from '../../../packages/settings/src/index'
import { takeUpFormer } from '../../../packages/sft/src/former-folder'
import { evolmm, evolmmSettings, loadedState } from '../../../packages/trainer/src/index'
import { loadAdapter } from '../../../packages/vlm/src/adapter/load-adapter'
import { readBackbone } from '../../../packages/vlm/src/index'
import {
  asFile,
  checkpoint,
  doAll,
  files,
  former,
  given,
  latest,
  readAll,
  run,
  type FuzzedReader,
} from './reader'

const backbone = readBackbone(checkpoint)

/** The first step, of which a page is made faster than of all. */
const shortLog = `${readFileSync(join(run, 'iter_log.jsonl'), 'utf8').split('\n', 1)[0]}\n`
const { identity: runIdentity } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')) as {
  identity: Record<string, unknown>
}

/** A step with all that the record of a cycle may have. */
const mstarRecord: MstarRecord = {
  ...{
    step: 1,
    loss: 2,
    learningRate: 1e-6,
    gradientNorm: 1,
    skipped: false,
    images: 1,
    answers: 2,
    tokens: 9,
  },
  ...{ seconds: 1, cycle: 1, temperature: 0.3, alpha: 0.5, phases: { generate: 3, monitor: 2, sweep: 1 } },
  generated: { questions: 1, answers: 2, distinct: 2, right: 0.5, unreadable: 0, kept: 1, useful: 1 },
  dynamics: {
    ...{ questions: 1, greedy: 1, pass: { '1': 0.5, '2': 1 }, headroom: 0, rewardPass2: 1, majority: 1 },
    ...{ weightedMajority: 1, tokens: 5, steps: 2, noneRight: 0, allRight: 0, samplerGap: 1e-6 },
  },
  sweep: [0.3, 0.4].map((temperature) => ({ temperature, score: 0.5 })),
  examples: [
    {
      ...{ question: 4, isFurther: false, image: '/a.png', text: 'How many?', answer: '7', isVoted: false },
      kept: {
        ...{ drawn: 1, distinct: 1 },
        answers: [{ reading: '7', count: 1, steps: [{ text: 'It is 7.', score: 0.8 }], leftOut: 0 }],
      },
      left: { drawn: 0, distinct: 0, answers: [] },
      wrong: {
        ...{ drawn: 1, distinct: 1 },
        answers: [{ reading: null, count: 1, steps: [{ text: 'NaN', score: null }], leftOut: 0 }],
      },
    },
  ],
}

/** All of a checkpoint but the base model, which is no part of it. */
async function resume(folder: string): Promise<void> {
  const vlm = {
    loadAdapter: async (from: string) => loadAdapter(from, await backbone),
    trainWeights: () => Promise.reject(new Error('not of this run')),
  }
  const model = { vlm, vision: false }
  await loadedState(await readCheckpoint(folder), { models: { solver: model, proposer: model } })
}

function copyStep(folder: string): void {
  cpSync(latest, join(folder, 'step_00003'), { recursive: true })
}

export const runReaders: readonly FuzzedReader[] = [
  {
    ...{ name: 'log of a run', text: true },
    corpus: files(join(run, 'iter_log.jsonl')),
    read: asFile('iter_log.jsonl', async (_, folder) => {
      await readAll(readLog(folder, evolmm))
    }),
  },
  {
    ...{ name: 'report of a log', text: true },
    corpus: given(shortLog),
    read: asFile(
      'iter_log.jsonl',
      (_, folder) => writeReport({ folder, kind: evolmm }),
      (folder) => {
        copyFileSync(join(run, 'run.json'), join(folder, 'run.json'))
      },
    ),
  },
  {
    ...{ name: 'report of a log of M-STaR', text: true },
    corpus: given(`${JSON.stringify(mstarRecord)}\n`),
    read: asFile(
      'mstar_log.jsonl',
      (_, folder) => writeReport({ folder, kind: mstar }),
      (folder) => {
        copyFileSync(join(run, 'run.json'), join(folder, 'run.json'))
      },
    ),
  },
  {
    ...{ name: 'run.json', text: true },
    corpus: files(join(run, 'run.json')),
    read: asFile(
      'run.json',
      (file, folder) =>
        doAll(
          () => writeReport({ folder, kind: evolmm }),
          async () => {
            const { identity = {} } = (await readRunFile(folder)) ?? {}
            compareIdentity(file, identity, runIdentity)
          },
        ),
      (folder) => {
        writeFileSync(join(folder, 'iter_log.jsonl'), shortLog)
      },
    ),
  },
  {
    ...{ name: 'state of a checkpoint', text: true },
    corpus: files(join(latest, 'trainer_state.json')),
    read: asFile(
      'step_00003/trainer_state.json',
      (_, folder) => resume(join(folder, 'step_00003')),
      copyStep,
    ),
  },
  {
    ...{ name: 'moments of a checkpoint', text: false },
    corpus: files(join(latest, 'optimizer.safetensors')),
    read: asFile(
      'step_00003/optimizer.safetensors',
      (_, folder) => resume(join(folder, 'step_00003')),
      copyStep,
    ),
  },
  {
    ...{ name: 'warmup.json', text: true },
    corpus: files(join(former, 'warmup/warmup.json')),
    read: asFile('warmup.json', async (_, folder) => {
      for (const name of ['run.json', 'step_00002', 'step_00003'])
        rmSync(join(folder, name), { recursive: true, force: true })
      copyFileSync(join(former, 'warmup/warmup.safetensors'), join(folder, 'warmup.safetensors'))
      await takeUpFormer(folder)
    }),
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
]
