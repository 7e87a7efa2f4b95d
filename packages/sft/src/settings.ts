/** The settings of supervised learning, once: options, flags, variables, files, checks and help are made from them. */
import { defaultSeed } from '@evolmm/dataset'
import { adamWDefaults } from '@evolmm/rl-core'
import { runRows, trackingRows } from '@evolmm/runs'
import {
  absentTraining,
  choice,
  integer,
  modelRows,
  number,
  optimizerRows,
  pixelRows,
  pixelRule,
  schema,
  text,
  toggle,
  type GivenOf,
  type Rule,
  type SettingsOf,
} from '@evolmm/settings'
import { loraNeed, trainedRows } from './trained'

const lessons = {
  data: text(null, 'questions with answers, as JSON lines', {
    value: 'file',
    required: true,
    identity: false,
    elsewhere: ['dataset_name', 'dataset', 'data.train_files'],
  }),
  system: text(null, 'system message', {
    otherwise: "the chat template's",
    verbatim: true,
    identity: true,
  }),
  ...trainedRows,
  value_head: toggle(
    false,
    'learn what each step is worth, with a head that scores tokens, instead of answers',
    {
      identity: true,
    },
  ),
}

const optimizer = optimizerRows(adamWDefaults)

const learning = {
  total_steps: { ...runRows.total_steps, default: 1000, help: 'optimizer steps', identity: true },
  batch_size: integer(8, 'images of a step', {
    min: 1,
    identity: true,
    elsewhere: ['per_device_train_batch_size', 'data.train_batch_size'],
  }),
  micro_batch_size: integer(
    null,
    'examples of one gradient; those of a step are added up, which takes less memory',
    {
      min: 1,
      otherwise: 'all of a step',
      identity: true,
      elsewhere: ['actor.micro_batch_size_per_device_for_update'],
    },
  ),
  lr: { ...optimizer.lr, default: 1e-4, help: 'learning rate at its highest' },
  min_lr: number(0, 'learning rate at the end', { min: 0, identity: true }),
  warmup_steps: {
    ...optimizer.warmup_steps,
    default: 100,
    help: 'steps over which the learning rate rises',
  },
  lr_scheduler: {
    ...optimizer.lr_scheduler,
    default: 'cosine',
    help: 'course of the learning rate to its end',
  },
  weight_decay: {
    ...optimizer.weight_decay,
    help: 'decoupled weight decay, on all that is trained',
  },
  beta1: optimizer.beta1,
  beta2: optimizer.beta2,
  grad_clip: {
    ...optimizer.grad_clip,
    min: 0,
    help: 'largest norm of a gradient, 0 for any',
  },
  seed: integer(defaultSeed, 'seed of the order of images, and of a new adapter', {
    min: 0,
    identity: true,
    elsewhere: ['data_seed'],
  }),
  average: choice(
    ['token', 'answer'],
    'loss: mean over answer tokens of a step, or of the mean of each answer',
    {
      identity: true,
      elsewhere: ['loss_type'],
    },
  ),
  gradient_checkpointing: optimizer.gradient_checkpointing,
}

const output = {
  output_dir: text(null, 'where the checkpoint or adapter is written', {
    value: 'dir',
    required: true,
    identity: false,
  }),
  resume: runRows.resume,
  save_every: {
    ...runRows.save_every,
    default: 200,
    help: 'steps between states from which a run continues, 0 for none',
  },
  max_checkpoints: { ...runRows.max_checkpoints, default: 1, help: 'newest states to keep' },
}

/** The folder is that of a model, which is no place for curves unless somebody wants them there. */
const tracking = {
  ...trackingRows,
  tensorboard: { ...trackingRows.tensorboard, default: false },
  report: { ...trackingRows.report, default: false },
}

const name = 'supervised learning'
const notMeasured = 'nothing is measured while it learns; evolmm eval measures what became of it'
const neverCut = 'a question with its answer is never cut; see max_pixels'
const onlyAnswers = 'only answers are learned'

const learningRules: readonly Rule<typeof learning>[] = [
  {
    about: 'min_lr',
    wrong: ({ min_lr: least, lr }) =>
      least > lr && `must be a finite number at most ${lr}, got ${least}; pass such a value`,
  },
  {
    about: 'warmup_steps',
    // A default that is too long for a short run is only worth a note.
    wrong: (settings, the, { warmup_steps: given }) =>
      given !== undefined &&
      tooLong(settings) &&
      `must be at most ${the('total_steps')}, got ${riseOf(settings)}`,
  },
]

/** What the trainers of Hugging Face and TRL let one set, and why nothing stands for it here. */
const absent = {
  ...absentTraining,
  gradient_accumulation_steps:
    'each optimizer step is on all batch_size images; see micro_batch_size for less memory',
  eval_strategy: notMeasured,
  evaluation_strategy: notMeasured,
  per_device_eval_batch_size: notMeasured,
  max_length: neverCut,
  max_seq_length: neverCut,
  packing: 'all questions about an image are in one sequence',
  completion_only_loss: onlyAnswers,
  assistant_only_loss: onlyAnswers,
}

/** What the loop needs to know: how it learns, whatever from and whatever for. */
export const learningSettings = schema({
  name,
  groups: { How: learning },
  rules: learningRules,
  absent,
})

/** What a run on disk needs to know. */
export const sftSettings = schema({
  name,
  groups: {
    Model: { ...modelRows, ...pixelRows },
    'What is learned': lessons,
    How: learning,
    Output: output,
    Tracking: tracking,
  },
  needs: [
    loraNeed,
    {
      settings: ['value_head'],
      needed: (the) => the('use_lora'),
      holds: (settings) => settings.use_lora || !settings.value_head,
    },
  ],
  rules: [pixelRule, ...learningRules],
  absent,
  notes: (settings) => [tooLong(settings) && `warmup_steps is ${riseOf(settings)}`],
})

/** Those of a run on disk are settings of the loop too. */
export type LearningSettings = SettingsOf<typeof learningSettings>
export type SftSettings = SettingsOf<typeof sftSettings>
export type SftGiven = GivenOf<typeof sftSettings>

interface Course {
  warmup_steps: number
  total_steps: number
}

const tooLong = ({ warmup_steps: rise, total_steps: total }: Course) => rise > total

const riseOf = ({ warmup_steps: rise, total_steps: total }: Course) =>
  `${rise} of ${total}, so that the rate is never reached; lower it`
