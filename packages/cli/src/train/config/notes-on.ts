/** What a configuration means that its author may not expect, in one sentence each. */
import { isDefault } from './is-default'
import type { ConfigSource } from './setting'
import type { TrainConfig, TrainSetting } from './train-settings'

type Sources = Readonly<Record<TrainSetting, ConfigSource>>

export function notesOn(config: TrainConfig, sources: Sources): string[] {
  return [
    ...(['device_map', 'clear_cache_every'] as const).map(
      (name) =>
        sources[name] !== 'default' &&
        // A run.json has every setting.
        !(sources[name] === 'file' && isDefault(name, config[name])) &&
        `${name} is accepted as by the released code, and has no effect here`,
    ),
    config.max_checkpoints < 2 &&
      `max_checkpoints ${config.max_checkpoints} is raised to 2, as by the released code`,
    ...backbones(config),
    ...band(config, sources),
    (config.temp !== 1 || config.top_p !== 1 || config.top_k !== 0) &&
      'temp, top_p and top_k change what is sampled, not what learns: the two are no longer the same policy',
    config.proposer_update_freq > config.total_steps &&
      `the proposer learns nothing: its first update would be iteration ${config.proposer_update_freq} of ${config.total_steps}`,
    config.num_solver_samples === 1 &&
      'one answer always agrees with itself: with num_solver_samples 1 there is next to nothing to learn',
    config.device === 'cpu' &&
      config.dtype !== 'float32' &&
      sources.dtype !== 'default' &&
      `the CPU computes in float32; dtype ${config.dtype} is for a GPU`,
  ].filter((note) => note !== false)
}

/** Two full models are a surprise for whoever has memory for one. */
function backbones(config: TrainConfig): string[] {
  const { use_lora_solver: solver, use_lora_proposer: proposer } = config
  const same = config.proposer_model === null || config.proposer_model === config.solver_model
  if (same && solver && proposer) return []
  const why = !same
    ? 'the roles have different models'
    : solver || proposer
      ? `only the ${solver ? 'solver' : 'proposer'} has an adapter`
      : 'without use_lora_solver and use_lora_proposer all weights are trained'
  return [`two backbones are loaded, since ${why}`]
}

/** The published band is meant for five answers, whose entropy has seven values up to ln 5. */
function band(config: TrainConfig, sources: Sources): string[] {
  const { num_solver_samples: samples, prop_entropy_mu: mu, prop_entropy_sigma: sigma } = config
  const largest = Math.log(samples)
  if (samples === 1) return []
  if (mu > largest)
    return [
      `prop_entropy_mu ${mu} is out of reach: the entropy of ${samples} answers is at most ${largest.toFixed(2)} nats`,
    ]
  if (samples === 5 || sources.prop_entropy_mu !== 'default' || sources.prop_entropy_sigma !== 'default')
    return []
  const scaled = (value: number) => ((value * largest) / Math.log(5)).toFixed(2)
  return [
    `prop_entropy_mu and prop_entropy_sigma are those for 5 answers; for ${samples} the same band is ${scaled(mu)} and ${scaled(sigma)}`,
  ]
}
