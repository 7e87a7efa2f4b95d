/**
 * Rows of how a method learns, so that a flag means the same in each. Their defaults are constants of the libraries that do it,
 * `loraDefaults` of `@evolmm/vlm` and `adamWDefaults` of `@evolmm/rl-core`, which a method hands in: settings know no library.
 */
import { rateSchedules } from '@evolmm/internal'
import { choice, integer, list, number, toggle } from './row'

/** The settings of a new adapter. */
export function loraRows<const T extends readonly string[] | null>(defaults: {
  rank: number
  alpha: number
  dropout: number
  /** The ends of modules' names, or `null` for the projections of a language block. */
  targets: T
}) {
  return {
    lora_r: integer(defaults.rank, 'rank of a new adapter', {
      min: 1,
      option: 'rank',
      identity: true,
      elsewhere: ['lora_rank', 'lora.rank'],
    }),
    lora_alpha: number(defaults.alpha, 'a new adapter counts alpha / rank', {
      above: 0,
      option: 'alpha',
      identity: true,
      elsewhere: ['lora.alpha'],
    }),
    lora_dropout: number(defaults.dropout, 'share of the inputs that is dropped while learning', {
      min: 0,
      below: 1,
      option: 'dropout',
      identity: true,
      elsewhere: ['lora.dropout'],
    }),
    lora_targets: list(defaults.targets, 'modules to adapt, by the ends of their names', {
      otherwise: 'the seven projections',
      option: 'targets',
      identity: true,
      elsewhere: ['lora_target_modules', 'target_modules', 'lora.target_modules'],
    }),
  }
}

/** The settings of AdamW and of the course of its rate. A method says whether 0 bounds `grad_clip` or stands for any norm. */
export function optimizerRows(defaults: {
  lr: number
  betas: readonly [number, number]
  weightDecay: number
  clip: number
}) {
  return {
    lr: number(defaults.lr, 'learning rate of AdamW', {
      min: 0,
      identity: true,
      elsewhere: ['learning_rate', 'optim.lr'],
    }),
    lr_scheduler: choice(rateSchedules, 'course of the learning rate over the run', {
      option: 'schedule',
      identity: true,
      elsewhere: ['lr_scheduler_type', 'optim.warmup_style', 'optim.lr_scheduler_type'],
    }),
    warmup_steps: integer(0, 'iterations in which the learning rate rises from 0', {
      min: 0,
      option: 'warmupSteps',
      identity: true,
      elsewhere: ['warmup_ratio', 'optim.lr_warmup_steps', 'optim.lr_warmup_ratio', 'num_warmup_steps'],
    }),
    weight_decay: number(defaults.weightDecay, 'decoupled weight decay', {
      min: 0,
      option: 'weightDecay',
      identity: true,
      elsewhere: ['optim.weight_decay'],
    }),
    beta1: number(defaults.betas[0], 'decay of the first moment of AdamW', {
      min: 0,
      below: 1,
      identity: true,
      elsewhere: ['adam_beta1'],
    }),
    beta2: number(defaults.betas[1], 'decay of the second moment of AdamW', {
      min: 0,
      below: 1,
      identity: true,
      elsewhere: ['adam_beta2'],
    }),
    grad_clip: number(defaults.clip, 'largest norm of a gradient', {
      option: 'clip',
      identity: true,
      elsewhere: ['max_grad_norm', 'actor.max_grad_norm', 'actor.grad_clip', 'gradient_clipping'],
    }),
    gradient_checkpointing: toggle(
      false,
      'compute activations again in the backward pass: less memory, more time',
      {
        option: 'checkpointed',
        identity: false,
        elsewhere: ['model.enable_gradient_checkpointing', 'use_gradient_checkpointing'],
      },
    ),
  }
}
