/** A schema with a row of every kind, and what can be said across them. */
import { EvolmmError } from '@evolmm/internal'
import {
  bytes,
  choice,
  custom,
  integer,
  list,
  number,
  prompt,
  readSources,
  schema,
  text,
  toggle,
  type SourcesInput,
} from '../../src/index'

export type Grade = (texts: readonly string[]) => number[]

export const toy = schema({
  name: 'a toy',
  groups: {
    Data: {
      data_dir: text('images', 'folder of images', { env: 'DATA_DIR', option: 'root', identity: false }),
      include: list(null, 'folders to use', { otherwise: 'all', identity: true }),
      image_cache: bytes(2 ** 28, 'memory for images', { identity: false }),
      min_pixels: integer(null, 'least area', { min: 1, otherwise: "the model's", identity: true }),
      max_pixels: integer(null, 'largest area', { min: 1, otherwise: "the model's", identity: true }),
    },
    Run: {
      run_name: text(null, 'its name', {
        otherwise: 'the time',
        alias: { name: 'wandb_run_name', env: 'WANDB_RUN_NAME' },
        must: { rule: 'be without slashes', holds: (name) => !name.includes('/') },
        identity: false,
      }),
      total_steps: integer(100, 'iterations', {
        env: 'TOTAL_STEPS',
        min: 1,
        identity: ({ schedule }) => schedule !== 'constant',
        elsewhere: ['max_steps'],
      }),
      max_checkpoints: integer(2, 'checkpoints to keep', {
        env: 'MAX_CKPTS',
        min: 0,
        least: 2,
        identity: false,
      }),
      report: toggle(true, 'write a page', { identity: false }),
    },
    Learning: {
      lr: number(1e-6, 'learning rate', {
        env: 'LR',
        min: 0,
        identity: true,
        elsewhere: ['learning_rate', 'optim.lr'],
      }),
      other_lr: number(null, 'the same for the other', { min: 0, follows: 'lr', identity: true }),
      seed: integer(42, 'seed of every draw', { env: 'SEED', min: 0, identity: true }),
      temp: number(1, 'temperature', { env: 'TEMP', above: 0, ignoreEnv: /[/\\]/, identity: true }),
      dropout: number(0.05, 'share that is dropped', { min: 0, below: 1, identity: true }),
      schedule: choice(['constant', 'cosine'], 'course of the rate', { identity: true }),
      baseline: choice(['ema', 'leave-one-out'], 'what is compared', { identity: true }),
      device: choice(['auto', 'cpu', 'cuda'], 'where', {
        env: 'DEVICE',
        also: { 'cuda:0': 'cuda' },
        numbered: 'cuda',
        identity: false,
      }),
      targets: list(['q_proj', 'v_proj'], 'modules', { identity: true }),
      system_prompt: prompt(null, 'system message', { otherwise: "the template's", identity: true }),
      solver_prompt: prompt('{question}', 'what is asked', {
        must: { rule: 'contain {question}', holds: (text) => text.includes('{question}') },
        custom: custom<(question: string) => string>('(question) => text'),
        identity: true,
      }),
      reward: choice(['agreement', 'votes'], 'what is learned from', {
        custom: custom<Grade>('(texts) => rewards'),
        identity: true,
      }),
      gamma: number(0.7, 'exponent of agreement', { min: 0, identity: true }),
    },
  },
  needs: [
    {
      settings: ['gamma'],
      needed: (the) => `${the('reward')} agreement`,
      holds: ({ reward }) => reward === 'agreement',
    },
    {
      settings: ['other_lr'],
      needed: (the) => `${the('baseline')} ema`,
      holds: ({ baseline }) => baseline === 'ema',
    },
  ],
  rules: [
    {
      about: 'min_pixels',
      wrong: ({ min_pixels: min, max_pixels: max }, the) =>
        (min ?? 0) > (max ?? Infinity) &&
        `must be at most ${the('max_pixels')}, got ${min} and ${max}; change one`,
    },
  ],
  notes: (settings, { given, sources }) => [
    settings.temp !== 1 && 'the policy is another one',
    given.max_checkpoints === 1 && `one checkpoint, from ${sources.max_checkpoints}, counts as two`,
  ],
  absent: { num_processes: 'a toy is one process', 'trainer.nnodes': 'a toy is one process' },
})

export const read = (input: SourcesInput = {}) => readSources(toy, input)

/** The typed error of what must fail. */
export async function errorOf(work: () => unknown): Promise<EvolmmError> {
  try {
    await work()
  } catch (thrown) {
    if (thrown instanceof EvolmmError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}
