/** Settings that runs of every method have: a method's schema holds them beside its own. */
import { choice, integer, text, toggle, type Rows, type Settings } from '@evolmm/settings'

/** The project of W&B that the released code has. */
export const releasedProject = 'sqlm'

/** The iterations between images that go to a tracker; 0 sends none. */
export const defaultImagesEvery = 0

/** The first is the default. */
export const wandbModes = ['disabled', 'online', 'offline'] as const

export const runRows = {
  total_steps: integer(100, 'iterations of the run', {
    min: 1,
    identity: false,
    elsewhere: ['max_steps', 'trainer.total_training_steps'],
  }),
  resume: text('auto', 'go on from the newest complete checkpoint, from none, or from this one', {
    value: 'auto|never|dir',
    identity: false,
    elsewhere: ['resume_from_checkpoint', 'trainer.load_checkpoint_path', 'trainer.find_last_checkpoint'],
  }),
  save_every: integer(50, 'iterations between checkpoints; 0 saves only the last state', {
    min: 0,
    identity: false,
    elsewhere: ['save_steps', 'trainer.save_freq'],
  }),
  max_checkpoints: integer(2, 'newest checkpoints to keep', {
    min: 1,
    identity: false,
    elsewhere: ['save_total_limit', 'trainer.save_limit'],
  }),
} satisfies Rows

export const trackingRows = {
  tensorboard: toggle(true, 'write TensorBoard event files', {
    identity: false,
    elsewhere: ['logging_dir'],
  }),
  report: toggle(true, 'write report.html at the end', { identity: false }),
  wandb_mode: choice(wandbModes, 'log to Weights & Biases', {
    env: 'WANDB_MODE',
    option: 'mode',
    identity: false,
    elsewhere: ['report_to', 'trainer.logger', 'log_with', 'use_wandb'],
  }),
  wandb_project: text(releasedProject, 'project at Weights & Biases', {
    env: 'WANDB_PROJECT',
    value: 'name',
    option: 'project',
    identity: false,
    elsewhere: ['trainer.project_name', 'project'],
  }),
  wandb_entity: text(null, 'user or team at Weights & Biases', {
    env: 'WANDB_ENTITY',
    value: 'name',
    otherwise: "the key's own",
    option: 'entity',
    identity: false,
  }),
  wandb_log_images_every: integer(defaultImagesEvery, 'iterations between logged images; 0 logs none', {
    env: 'WANDB_LOG_IMAGES_EVERY',
    min: 0,
    option: 'imagesEvery',
    identity: false,
    elsewhere: ['log_completions', 'trainer.val_generations_to_log'],
  }),
} satisfies Rows

export type RunRows = typeof runRows & typeof trackingRows
export type RunSettings = Settings<RunRows>
