/** A resolved configuration as a run of `@evolmm/trainer`. */
import { join } from 'node:path'
import {
  malformedFaults,
  statusLine,
  train,
  writeReport,
  type EvolveSettings,
  type RoleOptions,
} from '@evolmm/trainer'
import { identityOf } from './config/identity'
import { runName } from './config/run-name'
import type { TrainConfig } from './config/train-settings'
import type { TrainOptions, TrainOutcome } from '../library'
import { chooseProbe } from './choose-probe'
import { chooseTrackers } from './choose-trackers'

export async function runTrain(config: TrainConfig, options: TrainOptions): Promise<TrainOutcome> {
  const name = runName(config)
  const folder = join(config.output_dir, name)
  const { signal, onRecord, onWarning, hub, onWiden, status, version = null } = options
  const probe = await chooseProbe(config)
  const line = status && statusLine({ output: status })
  const warned = new Set<string>()
  const warn = (message: string) => {
    // Both roles have the same to say of one model.
    if (warned.has(message)) return
    warned.add(message)
    line?.clear()
    onWarning?.(message)
  }
  const outcome = await train({
    folder,
    name,
    solver: roleOptions(config, 'solver'),
    proposer: roleOptions(config, 'proposer'),
    load: {
      device: config.device,
      dtype: heldType(config),
      hub: { ...hub, signal, ...(config.revision !== null && { revision: config.revision }) },
      threads: config.threads ?? undefined,
      cacheDir: config.cache_dir ?? undefined,
      minPixels: config.min_pixels ?? undefined,
      maxPixels: config.max_pixels ?? undefined,
      onWiden,
      onWarning: warn,
    },
    data: {
      root: config.data_dir,
      includeSubfolders: config.include_subfolders ?? undefined,
      seed: config.seed,
      reshuffle: config.reshuffle,
      manifest: config.manifest ?? undefined,
    },
    evolve: evolveOptions(config),
    saveEvery: config.save_every,
    maxCheckpoints: config.max_checkpoints,
    adapterLayout: config.adapter_layout,
    resume:
      config.resume === 'auto' || config.resume === 'never' ? config.resume : { checkpoint: config.resume },
    config: { ...config, run_name: name },
    identity: identityOf(config),
    version,
    trackers: [...(line ? [line] : []), ...chooseTrackers(config, warn)],
    ...(probe && { probe }),
    ...(signal && { signal }),
    ...(onRecord && { onRecord }),
    onWarning: warn,
  })
  // A page can be made again; what was learned is safe.
  if (config.report && outcome.step > 0)
    await writeReport({ folder }).catch((error: unknown) => {
      warn(
        `report: ${error instanceof Error ? error.message : String(error)}; evolmm report ${folder} makes it`,
      )
    })
  return { folder, ...outcome }
}

/** Released: float32 where a device lacks the type. A device that is named would refuse it instead. */
function heldType({ device, dtype }: TrainConfig): TrainConfig['dtype'] {
  return device === 'cpu' || (device === 'webgpu' && dtype === 'bfloat16') ? 'float32' : dtype
}

function roleOptions(config: TrainConfig, role: 'solver' | 'proposer'): RoleOptions {
  const adapter = config[`${role}_adapter`]
  return {
    model: (role === 'proposer' ? config.proposer_model : null) ?? config.solver_model,
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

function evolveOptions(config: TrainConfig): EvolveSettings {
  const { proposer_prompt: proposer, solver_prompt: solver, system_prompt: system } = config
  return {
    totalSteps: config.total_steps,
    seed: config.seed,
    batchSize: config.batch_size,
    samples: config.num_solver_samples,
    proposerUpdateFreq: config.proposer_update_freq,
    solverUpdate: config.solver_update,
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
      solverTarget: config.solver_kl_target ?? config.kl_target,
      proposerTarget: config.proposer_kl_target ?? config.kl_target,
      rate: config.kl_adapt_rate,
    },
    optimizer: {
      lr: config.lr,
      proposerLr: config.proposer_lr ?? config.lr,
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
