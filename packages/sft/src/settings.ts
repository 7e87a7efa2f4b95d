/** The settings of supervised learning, once: options, flags, variables, files, checks and help are made from them. */
import { defaultSeed } from '@evolmm/dataset'
import { adamWDefaults } from '@evolmm/rl-core'
import { runRows, trackingRows } from '@evolmm/runs'
import {
  choice,
  integer,
  list,
  modelRows,
  number,
  pixelRows,
  pixelRule,
  schema,
  text,
  toggle,
  type GivenOf,
  type Rule,
  type SettingsOf,
} from '@evolmm/settings'
import { loraDefaults } from '@evolmm/vlm'

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
  freeze_vision: toggle(true, 'leave the vision tower as it is', { identity: true }),
  use_lora: toggle(false, 'train an adapter instead of all weights', {
    identity: true,
    elsewhere: ['use_peft'],
  }),
  lora_r: integer(loraDefaults.rank, 'rank of the adapter', {
    min: 1,
    option: 'rank',
    identity: true,
    elsewhere: ['lora_rank', 'lora.rank'],
  }),
  lora_alpha: number(loraDefaults.alpha, 'the adapter counts alpha / rank', {
    above: 0,
    option: 'alpha',
    identity: true,
    elsewhere: ['lora.alpha'],
  }),
  lora_dropout: number(0, 'share of inputs of the adapter that is dropped', {
    min: 0,
    below: 1,
    value: 'p',
    option: 'dropout',
    identity: true,
    elsewhere: ['lora.dropout'],
  }),
  lora_targets: list(null, 'modules that are adapted, between commas', {
    otherwise: 'the seven projections',
    option: 'targets',
    identity: true,
    elsewhere: ['lora_target_modules', 'target_modules'],
  }),
}

const learning = {
  total_steps: { ...runRows.total_steps, default: 1000, help: 'optimizer steps', identity: true },
  batch_size: integer(8, 'images of a step', {
    min: 1,
    identity: true,
    elsewhere: ['per_device_train_batch_size', 'data.train_batch_size'],
  }),
  lr: number(1e-4, 'learning rate at its highest', {
    min: 0,
    identity: true,
    elsewhere: ['learning_rate', 'optim.lr'],
  }),
  min_lr: number(0, 'learning rate at the end', { min: 0, identity: true }),
  warmup_steps: integer(100, 'steps over which the learning rate rises', {
    min: 0,
    identity: true,
    elsewhere: ['warmup_ratio', 'num_warmup_steps'],
  }),
  lr_scheduler: choice(['constant', 'linear', 'cosine'], 'course of the learning rate to its end', {
    default: 'cosine',
    option: 'schedule',
    identity: true,
    elsewhere: ['lr_scheduler_type'],
  }),
  weight_decay: number(adamWDefaults.weightDecay, 'decoupled weight decay, on all that is trained', {
    min: 0,
    option: 'weightDecay',
    identity: true,
  }),
  beta1: number(adamWDefaults.betas[0], 'decay of the first moment of AdamW', {
    min: 0,
    below: 1,
    identity: true,
    elsewhere: ['adam_beta1'],
  }),
  beta2: number(adamWDefaults.betas[1], 'decay of the second moment of AdamW', {
    min: 0,
    below: 1,
    identity: true,
    elsewhere: ['adam_beta2'],
  }),
  grad_clip: number(adamWDefaults.clip, 'largest norm of a gradient, 0 for any', {
    min: 0,
    option: 'clip',
    identity: true,
    elsewhere: ['max_grad_norm'],
  }),
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
  gradient_checkpointing: toggle(
    false,
    'compute activations again in the backward pass: less memory, more time',
    {
      option: 'checkpointed',
      identity: false,
    },
  ),
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

/** What the loop needs to know: how it learns, whatever from and whatever for. */
export const learningSettings = schema({ name, groups: { How: learning }, rules: learningRules })

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
    {
      settings: ['lora_r', 'lora_alpha', 'lora_dropout', 'lora_targets'],
      needed: (the) => the('use_lora'),
      holds: (settings) => settings.use_lora,
    },
  ],
  rules: [pixelRule, ...learningRules],
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
