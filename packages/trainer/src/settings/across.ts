/** What must hold across the settings of a run, and what they mean that their author may not expect. */
import { pixelRule, type Need, type Origin, type Rule, type Settings } from '@evolmm/settings'
import { evolmmRows, type EvolmmRows } from './rows'

type Evolmm = Settings<EvolmmRows>

const { Images, Models, Run } = evolmmRows

export const needs: readonly Need<EvolmmRows>[] = [
  {
    settings: ['lora_r', 'lora_alpha', 'lora_dropout', 'lora_targets'],
    needed: (the) =>
      `a new adapter: ${the('use_lora_solver')} or ${the('use_lora_proposer')}, without an adapter to start from`,
    holds: (settings) =>
      (settings.use_lora_solver && settings.solver_adapter === null) ||
      (settings.use_lora_proposer && settings.proposer_adapter === null),
  },
  {
    settings: ['quantize'],
    needed: (the) =>
      `${the('use_lora_solver')} and ${the('use_lora_proposer')}, since weights in 4 bits cannot be trained themselves`,
    holds: (settings) => settings.use_lora_solver && settings.use_lora_proposer,
  },
  {
    settings: ['adapter_layout'],
    needed: (the) => `${the('use_lora_solver')} or ${the('use_lora_proposer')}`,
    holds: (settings) => settings.use_lora_solver || settings.use_lora_proposer,
  },
  {
    settings: ['solver_adapter'],
    needed: (the) => the('use_lora_solver'),
    holds: (settings) => settings.use_lora_solver,
  },
  {
    settings: ['proposer_adapter'],
    needed: (the) => the('use_lora_proposer'),
    holds: (settings) => settings.use_lora_proposer,
  },
  {
    settings: ['solver_soft_gamma', 'len_penalty_weight', 'len_penalty_target_words'],
    needed: (the) => `${the('reward')} continuous`,
    holds: ({ reward }) => reward === 'continuous',
  },
  {
    settings: ['kl_target', 'solver_kl_target', 'proposer_kl_target', 'kl_adapt_rate'],
    needed: (the) => `${the('kl_control')} adaptive`,
    holds: (settings) => settings.kl_control === 'adaptive',
  },
  {
    settings: ['proposer_lr', 'proposer_baseline', 'proposer_kl_target'],
    needed: (the) => `${the('proposer_update_freq')} above 0`,
    holds: (settings) => settings.proposer_update_freq > 0,
  },
  {
    settings: ['probe_every', 'probe_limit', 'probe_samples'],
    needed: (the) => the('probe_data'),
    holds: (settings) => settings.probe_data !== null,
  },
]

export const rules: readonly Rule<EvolmmRows>[] = [
  pixelRule,
  {
    about: 'baseline',
    wrong: ({ baseline, num_solver_samples: samples }, the) =>
      baseline === 'leave-one-out' &&
      samples === 1 &&
      `must be ema with one answer to a question, got leave-one-out; raise ${the('num_solver_samples')}`,
  },
  {
    about: 'proposer_baseline',
    wrong: ({ proposer_baseline: baseline, batch_size: images }, the) =>
      baseline === 'leave-one-out' &&
      images === 1 &&
      `must be ema with one question in an iteration, got leave-one-out, with which it would never learn; raise ${the('batch_size')}`,
  },
  {
    about: 'kl_coef',
    wrong: ({ kl_control: control, kl_coef: coefficient }, the) =>
      control === 'adaptive' &&
      (coefficient < 1e-8 || coefficient > 100) &&
      `must be from 1e-8 to 100 to be adapted, got ${coefficient}; choose ${the('kl_control')} fixed or another value`,
  },
  {
    about: 'warmup_steps',
    wrong: ({ warmup_steps: warmup, total_steps: total }, the) =>
      warmup > 0 &&
      warmup >= total &&
      `must be fewer than ${the('total_steps')}, got ${warmup} of ${total}, so that the rate is never reached; lower it`,
  },
  {
    about: 'revision',
    wrong: ({ revision, solver_model: solver, proposer_model: proposer }) =>
      revision !== null &&
      proposer !== solver &&
      `must go with one model, got ${JSON.stringify(revision)} for two; write ORG/NAME@revision for each`,
  },
  {
    about: 'image_cache',
    wrong: ({ freeze_vision: frozen, image_cache: cache }) =>
      !frozen &&
      cache > 0 &&
      cache !== Images.image_cache.default &&
      `must go with a frozen vision tower, got ${cache} bytes for encodings that change; leave it out`,
  },
]

export function notes(settings: Evolmm, origin: Origin<EvolmmRows>): readonly (string | false)[] {
  const { given, sources } = origin
  return [
    ...withoutEffect(settings, origin),
    given.max_checkpoints !== undefined &&
      given.max_checkpoints < 2 &&
      `max_checkpoints ${given.max_checkpoints} is raised to 2, as by the released code`,
    // Whoever has memory for one model may be surprised by a second.
    settings.proposer_model !== settings.solver_model &&
      'two backbones are loaded, since the roles have different models',
    band(settings, origin),
    (settings.temp !== 1 || settings.top_p !== 1 || settings.top_k !== 0) &&
      'temp, top_p and top_k change what is sampled, not what learns: the two are no longer the same policy',
    settings.proposer_update_freq > settings.total_steps &&
      `the proposer learns nothing: its first update would be iteration ${settings.proposer_update_freq} of ${settings.total_steps}`,
    settings.num_solver_samples === 1 &&
      'one answer always agrees with itself: with num_solver_samples 1 there is next to nothing to learn',
    settings.device === 'cpu' &&
      settings.dtype !== 'float32' &&
      sources.dtype !== 'default' &&
      `the CPU computes in float32; dtype ${settings.dtype} is for a GPU`,
  ]
}

/** A run.json holds every setting, and its author need not be told of those without effect. */
function withoutEffect(settings: Evolmm, { sources }: Origin<EvolmmRows>): (string | false)[] {
  const defaults = { device_map: Models.device_map.default, clear_cache_every: Run.clear_cache_every.default }
  return (['device_map', 'clear_cache_every'] as const).map(
    (name) =>
      sources[name] !== 'default' &&
      !(sources[name] === 'file' && settings[name] === defaults[name]) &&
      `${name} is accepted as by the released code, and has no effect here`,
  )
}

/** The published band is meant for five answers, whose entropy has seven values up to ln 5. */
function band(settings: Evolmm, { sources }: Origin<EvolmmRows>): string | false {
  const { num_solver_samples: samples, prop_entropy_mu: mu, prop_entropy_sigma: sigma } = settings
  const largest = Math.log(samples)
  if (samples === 1) return false
  if (mu > largest)
    return `prop_entropy_mu ${mu} is out of reach: the entropy of ${samples} answers is at most ${largest.toFixed(2)} nats`
  if (samples === 5 || sources.prop_entropy_mu !== 'default' || sources.prop_entropy_sigma !== 'default')
    return false
  const scaled = (value: number) => ((value * largest) / Math.log(5)).toFixed(2)
  return `prop_entropy_mu and prop_entropy_sigma are those for 5 answers; for ${samples} the same band is ${scaled(mu)} and ${scaled(sigma)}`
}
