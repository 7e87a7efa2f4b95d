/** Settings that exclude each other, and settings that would have no effect beside others: each is refused. */
import { EvolmmError } from '@evolmm/internal'
import { isDefault } from './is-default'
import type { TrainConfig, TrainSetting } from './train-settings'

/** `wrong` says what must hold and why, for a configuration that it does not hold for. */
interface Rule {
  about: TrainSetting
  wrong: (config: TrainConfig) => string | false
}

const exclusions: readonly Rule[] = [
  {
    about: 'min_pixels',
    wrong: ({ min_pixels: min, max_pixels: max }) =>
      (min ?? 0) > (max ?? Infinity) &&
      `must be at most --max_pixels, got ${min} and ${max}; change one of them`,
  },
  {
    about: 'baseline',
    wrong: ({ baseline, num_solver_samples: samples }) =>
      baseline === 'leave-one-out' &&
      samples === 1 &&
      'must be ema with one answer to a question, got leave-one-out; raise --num_solver_samples',
  },
  {
    about: 'proposer_baseline',
    wrong: ({ proposer_baseline: baseline, batch_size: images }) =>
      baseline === 'leave-one-out' &&
      images === 1 &&
      'must be ema with one question in an iteration, got leave-one-out, with which it would never learn; raise --batch_size',
  },
  {
    about: 'kl_coef',
    wrong: ({ kl_control: control, kl_coef: coefficient }) =>
      control === 'adaptive' &&
      (coefficient < 1e-8 || coefficient > 100) &&
      `must be from 1e-8 to 100 to be adapted, got ${coefficient}; choose --kl_control fixed or another value`,
  },
  {
    about: 'warmup_steps',
    wrong: ({ warmup_steps: warmup, total_steps: total }) =>
      warmup > 0 &&
      warmup >= total &&
      `must be fewer than --total_steps, got ${warmup} of ${total}, so that the rate is never reached; lower it`,
  },
  {
    about: 'revision',
    wrong: ({ revision, solver_model: solver, proposer_model: proposer }) =>
      revision !== null &&
      proposer !== null &&
      proposer !== solver &&
      `must go with one model, got ${JSON.stringify(revision)} for two; write ORG/NAME@revision for each`,
  },
  {
    about: 'image_cache',
    wrong: (config) =>
      !config.freeze_vision &&
      config.image_cache > 0 &&
      !isDefault('image_cache', config.image_cache) &&
      `must go with a frozen vision tower, got ${config.image_cache} bytes for encodings that change; leave it out`,
  },
]

/** The settings on the left count only where the condition on the right holds. */
const conditions: readonly [readonly TrainSetting[], string, (config: TrainConfig) => boolean][] = [
  [
    ['lora_r', 'lora_alpha', 'lora_dropout', 'lora_targets'],
    'a new adapter: --use_lora_solver or --use_lora_proposer, without an adapter to start from',
    (config) =>
      (config.use_lora_solver && config.solver_adapter === null) ||
      (config.use_lora_proposer && config.proposer_adapter === null),
  ],
  [
    ['quantize'],
    '--use_lora_solver and --use_lora_proposer, since weights in 4 bits cannot be trained themselves',
    (config) => config.use_lora_solver && config.use_lora_proposer,
  ],
  [
    ['adapter_layout'],
    '--use_lora_solver or --use_lora_proposer',
    (config) => config.use_lora_solver || config.use_lora_proposer,
  ],
  [['solver_adapter'], '--use_lora_solver', (config) => config.use_lora_solver],
  [['proposer_adapter'], '--use_lora_proposer', (config) => config.use_lora_proposer],
  [
    ['solver_soft_gamma', 'len_penalty_weight', 'len_penalty_target_words'],
    '--reward continuous',
    ({ reward }) => reward === 'continuous',
  ],
  [
    ['kl_target', 'solver_kl_target', 'proposer_kl_target', 'kl_adapt_rate'],
    '--kl_control adaptive',
    (config) => config.kl_control === 'adaptive',
  ],
  [
    ['proposer_lr', 'proposer_baseline', 'proposer_kl_target'],
    '--proposer_update_freq above 0',
    (config) => config.proposer_update_freq > 0,
  ],
  [['probe_every', 'probe_limit', 'probe_samples'], '--probe_data', (config) => config.probe_data !== null],
]

/** Throws `INVALID_OPTION`; `nameOf` says by which flag, variable or key a setting came. */
export function checkTogether(config: TrainConfig, nameOf: (setting: TrainSetting) => string): void {
  for (const [about, needed, holds] of conditions)
    for (const setting of about)
      if (!isDefault(setting, config[setting]) && !holds(config))
        throw refused(
          setting,
          `must go with ${needed}, got ${JSON.stringify(config[setting])} without; add that or leave this out`,
        )
  for (const { about, wrong } of exclusions) {
    const why = wrong(config)
    if (why !== false) throw refused(about, why)
  }

  function refused(setting: TrainSetting, why: string): EvolmmError {
    return new EvolmmError('INVALID_OPTION', `${nameOf(setting)}: ${why}`, {
      details: { option: setting, value: config[setting] },
    })
  }
}
