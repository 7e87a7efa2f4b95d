/** The numbers of a step of supervised learning, for every method whose records have them. */
import type { Metric } from '@evolmm/runs'
import type { SftRecord } from './record'

/** The section of the page that has the curves. */
const panel = 'Learning'

export const learningMetrics: readonly Metric<Omit<SftRecord, 'images' | 'seconds'>>[] = [
  {
    name: 'train/step',
    aliases: ['train/global_step'],
    meaning: 'steps done',
    read: ({ step }) => step,
  },
  {
    name: 'loss',
    aliases: ['train/loss'],
    meaning: 'negative log-likelihood of an answer token before the step, in nats',
    read: ({ loss }) => loss,
    status: 'loss',
    compared: 'Loss',
    panel,
    title: 'Loss',
    chart: {
      note: 'How surprised the model is by the answers, in nats per token. It should fall and level off.',
      span: [0, 1],
    },
  },
  {
    name: 'grad_norm',
    aliases: ['train/grad_norm'],
    meaning: 'norm of the gradient, before clipping',
    read: ({ gradientNorm }) => gradientNorm,
    panel,
    title: 'Length of the gradient',
    chart: { note: 'Before clipping. Rare peaks are normal, a steady climb is not.', mayBeLog: true },
  },
  {
    name: 'learning_rate',
    aliases: ['train/learning_rate'],
    meaning: 'learning rate',
    read: ({ learningRate }) => learningRate,
    panel,
    title: 'Learning rate',
    chart: { note: 'It rises, and goes on as the schedule says.' },
  },
  {
    name: 'skipped_steps',
    meaning: 'steps left out, their gradient not being finite',
    read: ({ skipped }) => Number(skipped),
  },
  { name: 'num_answers', meaning: 'answers of the step', read: ({ answers }) => answers },
  {
    name: 'num_tokens',
    meaning: 'answer tokens of the step (TRL adds them up over the run)',
    read: ({ tokens }) => tokens,
  },
]
