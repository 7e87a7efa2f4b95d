/** A resolved configuration as the options of `@evolmm/trainer`. */
import { malformedFaults, type EvolmmValues, type EvolveOptions, type RoleOptions } from '@evolmm/trainer'

/** Released: float32 where a device lacks the type. A device that is named would refuse it instead. */
export function heldType({ device, dtype }: EvolmmValues): EvolmmValues['dtype'] {
  return device === 'cpu' || (device === 'webgpu' && dtype === 'bfloat16') ? 'float32' : dtype
}

/** What `loadVlm` is told of `--quantize`. */
export function heldBits({ quantize }: Pick<EvolmmValues, 'quantize'>): 'int4' | undefined {
  return quantize === 'none' ? undefined : quantize
}

export function roleOptions(config: EvolmmValues, role: 'solver' | 'proposer'): RoleOptions {
  const adapter = config[`${role}_adapter`]
  return {
    model: config[`${role}_model`],
    vision: !config.freeze_vision,
    ...(config[`use_lora_${role}`] && {
      lora: {
        rank: config.lora_r,
        alpha: config.lora_alpha,
        dropout: config.lora_dropout,
        targets: config.lora_targets,
      },
    }),
    ...(adapter !== null && { adapter }),
  }
}

export function evolveOptions(
  config: EvolmmValues,
): Omit<EvolveOptions, 'solver' | 'proposer' | 'images' | 'state'> {
  const { proposer_prompt: proposer, solver_prompt: solver, system_prompt: system } = config
  return {
    totalSteps: config.total_steps,
    seed: config.seed,
    batchSize: config.batch_size,
    samples: config.num_solver_samples,
    proposerUpdateFreq: config.proposer_update_freq,
    solverUpdate: config.solver_update,
    updateEpochs: config.update_epochs,
    sampling: {
      temperature: config.temp,
      topP: config.top_p,
      topK: config.top_k,
      solverTokens: config.max_new_tokens_solver,
      proposerTokens: config.max_new_tokens_proposer,
    },
    prompts: {
      ...(proposer !== null && { proposer }),
      ...(solver !== null && { solver }),
      ...(system !== null && { system }),
    },
    rewards: {
      kind: config.reward,
      ...(config.proposer_reward !== null && { proposer: config.proposer_reward }),
      gamma: config.solver_soft_gamma,
      lengthPenalty: config.len_penalty_weight,
      targetWords: config.len_penalty_target_words,
      entropyBand: { mu: config.prop_entropy_mu, sigma: config.prop_entropy_sigma },
      normalize: config.normalize_answers,
      untagged: config.untagged_answers,
    },
    baseline: config.baseline,
    proposerBaseline: config.proposer_baseline,
    kl: {
      control: config.kl_control,
      coefficient: config.kl_coef,
      solverTarget: config.solver_kl_target,
      proposerTarget: config.proposer_kl_target,
      rate: config.kl_adapt_rate,
    },
    optimizer: {
      lr: config.lr,
      proposerLr: config.proposer_lr,
      weightDecay: config.weight_decay,
      gradClip: config.grad_clip,
      scheduler: config.lr_scheduler,
      warmupSteps: config.warmup_steps,
    },
    normalization: config.normalization,
    gradientCheckpointing: config.gradient_checkpointing,
    guards: {
      skip: config.skip_malformed ? malformedFaults : [],
      minQuestionLogProbability: config.min_question_logprob ?? undefined,
    },
    watch: {
      window: config.collapse_window,
      entropyFloor: config.collapse_entropy_floor,
      patience: config.collapse_patience,
      kl: config.collapse_kl,
    },
    stopOnCollapse: config.stop_on_collapse,
    imageCache: config.image_cache,
  }
}
