/**
 * Every setting of a run of EvoLMM, once: options, flags, environment variables, configuration files, checks, help and
 * documentation are made from this table. Names, variables and defaults of the released `train.py` are kept.
 */
import { adapterLayouts, normalizations } from '@evolmm/internal'
import { entropyBandDefaults, normalizerNames, solverRewardDefaults, untaggedAnswers } from '@evolmm/rewards'
import { defaultSeed } from '@evolmm/dataset'
import { adamWDefaults, adaptiveKlDefaults, watchDefaults } from '@evolmm/rl-core'
import { runRows, trackingRows } from '@evolmm/runs'
import {
  bytes,
  choice,
  custom,
  integer,
  list,
  loraRows,
  modelRows,
  number,
  optimizerRows,
  pixelRows,
  prompt,
  samplingRows,
  text,
  toggle,
  type RowsOf,
} from '@evolmm/settings'
import { loraDefaults, samplingDefaults } from '@evolmm/vlm'
import type {
  Normalizer,
  ProposerPrompt,
  ProposerReward,
  SolverPrompt,
  SolverReward,
} from '../custom-functions'
import { proposerRewardNames, solverRewardNames } from '../reward-rules'
import { advantageNames, updateNames } from '../strategy-tables'

const projections = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
/** Adapters as the released code has them. */
const lora = loraRows({ ...loraDefaults, dropout: 0.05, targets: [...projections, 'mm_projector'] })
const optimizer = optimizerRows(adamWDefaults)
/** The published recipe's smaller model; its licence is for research and other non-commercial use. */
const model = 'Qwen/Qwen2.5-VL-3B-Instruct'
const folderName = {
  rule: 'be the name of a folder, without slashes',
  holds: (name: string) => !/[/\\]|^\.\.?$/.test(name),
}
const asksQuestion = { rule: 'contain {question}', holds: (text: string) => text.includes('{question}') }
/** The length of a run counts where the course of the learning rate depends on it. */
const whileRateChanges = ({ lr_scheduler: course }: Readonly<Record<string, unknown>>) =>
  course !== 'constant'

const images = {
  data_dir: text('images/train', 'folder of images, or of subfolders with them at any depth', {
    env: 'DATA_DIR',
    value: 'dir',
    option: 'root',
    identity: false,
    elsewhere: ['dataset_name', 'data.train_files', 'data.image_dir'],
  }),
  include_subfolders: list(null, 'first-level subfolders to use, between commas', {
    env: 'INCLUDE_SUBFOLDERS',
    otherwise: 'all',
    option: 'includeSubfolders',
    identity: true,
  }),
  reshuffle: toggle(false, 'shuffle anew in each epoch; the released code never does', {
    identity: true,
    elsewhere: ['data.shuffle', 'shuffle_dataset'],
  }),
  manifest: text(null, 'manifest of @evolmm/dataset, whose images are not checked again', {
    value: 'file',
    otherwise: 'none',
    identity: false,
  }),
  ...pixelRows,
  image_cache: bytes(2 ** 28, 'memory for encoded images, such as 512MB; 0 keeps none', { identity: false }),
}

const models = {
  solver_model: text(model, 'folder of a checkpoint, or ORG/NAME[@revision] on the hub', {
    env: 'SOLVER_MODEL',
    value: 'dir_or_id',
    identity: true,
    elsewhere: ['model', 'model_name_or_path', 'model.model_path', 'model.path'],
  }),
  proposer_model: text(null, 'model of the proposer', {
    env: 'PROPOSER_MODEL',
    value: 'dir_or_id',
    follows: 'solver_model',
    otherwise: 'that of the solver',
    identity: true,
  }),
  revision: modelRows.revision,
  device: { ...modelRows.device, env: 'DEVICE' },
  dtype: {
    ...modelRows.dtype,
    env: 'DTYPE',
    default: 'bfloat16',
    help: 'type of the weights; float32 where a device lacks it',
  },
  quantize: {
    ...modelRows.quantize,
    help: 'hold the matrices of linear modules in 4 bits, with LoRA on top (QLoRA)',
  },
  freeze_vision: toggle(true, 'keep the vision tower as it is', {
    env: 'FREEZE_VISION',
    identity: true,
    elsewhere: ['freeze_vision_tower', 'freeze_vision_modules'],
  }),
  memory_limit: bytes(null, 'what a run may use, such as 80GB; one that cannot fit is refused', {
    otherwise: 'what the device has left',
    option: 'memoryLimit',
    identity: false,
    elsewhere: ['rollout.gpu_memory_utilization', 'vllm_gpu_memory_utilization'],
  }),
  threads: modelRows.threads,
  cache_dir: modelRows.cache_dir,
  device_map: text('auto', 'accepted as released; has no effect here', {
    env: 'DEVICE_MAP',
    value: 'name',
    identity: false,
  }),
}

const adapters = {
  use_lora_solver: toggle(false, 'train a LoRA adapter of the solver, not all weights', {
    env: 'USE_LORA_SOLVER',
    identity: true,
    elsewhere: ['use_peft', 'use_lora'],
  }),
  use_lora_proposer: toggle(false, 'train a LoRA adapter of the proposer, not all weights', {
    env: 'USE_LORA_PROPOSER',
    identity: true,
  }),
  solver_adapter: text(null, 'adapter that the solver starts from: PEFT folder, or name on the hub', {
    value: 'dir_or_id',
    otherwise: 'a new one',
    identity: true,
    elsewhere: ['adapter', 'adapter_name_or_path'],
  }),
  proposer_adapter: text(null, 'adapter that the proposer starts from', {
    value: 'dir_or_id',
    otherwise: 'a new one',
    identity: true,
  }),
  lora_r: { ...lora.lora_r, env: 'LORA_R' },
  lora_alpha: { ...lora.lora_alpha, env: 'LORA_ALPHA' },
  lora_dropout: { ...lora.lora_dropout, env: 'LORA_DROPOUT' },
  lora_targets: { ...lora.lora_targets, env: 'LORA_TARGETS' },
  adapter_layout: choice(adapterLayouts, 'tensor names of transformers from 4.52 on, or before', {
    option: 'layout',
    identity: false,
  }),
}

const run = {
  run_name: text(null, 'name of the run and its folder; --wandb_run_name is the same', {
    value: 'name',
    otherwise: 'model and time',
    alias: { name: 'wandb_run_name', env: 'WANDB_RUN_NAME' },
    must: folderName,
    identity: false,
    elsewhere: ['trainer.experiment_name'],
  }),
  output_dir: text('runs', 'where the folders of runs are', {
    env: 'OUTPUT_DIR',
    value: 'dir',
    identity: false,
    elsewhere: ['trainer.save_checkpoint_path', 'trainer.default_local_dir'],
  }),
  total_steps: { ...runRows.total_steps, env: 'TOTAL_STEPS', identity: whileRateChanges },
  batch_size: integer(1, 'images per iteration', {
    min: 1,
    identity: true,
    elsewhere: ['per_device_train_batch_size', 'data.rollout_batch_size', 'data.train_batch_size'],
  }),
  seed: integer(defaultSeed, 'seed of every draw', {
    env: 'SEED',
    min: 0,
    identity: true,
    elsewhere: ['data_seed'],
  }),
  resume: runRows.resume,
  save_every: { ...runRows.save_every, env: 'SAVE_EVERY' },
  max_checkpoints: {
    ...runRows.max_checkpoints,
    ...{ env: 'MAX_CKPTS', help: 'newest checkpoints to keep, at least 2', min: 0, least: 2 },
  },
  clear_cache_every: integer(25, 'accepted as released; has no effect here', {
    env: 'CLEAR_CACHE_EVERY',
    min: 0,
    identity: false,
    elsewhere: ['torch_empty_cache_steps'],
  }),
}

const rollout = {
  num_solver_samples: integer(5, 'answers to each question (N)', {
    env: 'N_SAMPLES',
    min: 1,
    option: 'samples',
    identity: true,
    elsewhere: ['num_generations', 'n', 'rollout.n'],
  }),
  temp: number(1, 'temperature of both roles', {
    env: 'TEMP',
    above: 0,
    ignoreEnv: /[/\\]/,
    option: 'temperature',
    identity: true,
    elsewhere: ['temperature', 'rollout.temperature'],
  }),
  top_p: { ...samplingRows.top_p, env: 'TOP_P' },
  top_k: samplingRows.top_k,
  max_new_tokens_solver: integer(samplingDefaults.maxNewTokens, 'longest output of the solver, in tokens', {
    env: 'MAX_NEW_TOKENS_SOLVER',
    min: 1,
    option: 'maxNewTokens',
    identity: true,
    elsewhere: ['max_completion_length', 'max_new_tokens', 'data.max_response_length'],
  }),
  max_new_tokens_proposer: integer(
    samplingDefaults.maxNewTokens,
    'longest output of the proposer, in tokens',
    {
      env: 'MAX_NEW_TOKENS_PROPOSER',
      min: 1,
      identity: true,
    },
  ),
  solver_prompt: prompt(null, 'what the solver is asked; {question} stands for the question', {
    otherwise: 'as published',
    must: asksQuestion,
    custom: custom<SolverPrompt>('({ question, image, step }) => text'),
    identity: true,
    elsewhere: ['data.format_prompt'],
  }),
  proposer_prompt: prompt(null, 'what the proposer is asked', {
    otherwise: 'as published',
    custom: custom<ProposerPrompt>('({ image, step }) => text'),
    identity: true,
  }),
  system_prompt: prompt(null, 'system message of both roles', {
    otherwise: "the chat template's",
    option: 'system',
    identity: true,
    elsewhere: ['data.system_prompt'],
  }),
}

const rewards = {
  reward: choice(solverRewardNames, 'what both roles learn from', {
    custom: custom<SolverReward>('(answers) => rewards'),
    identity: true,
    elsewhere: ['reward_funcs', 'reward.reward_function', 'reward_model'],
  }),
  proposer_reward: choice(proposerRewardNames, 'what questions are worth, by another rule', {
    default: null,
    otherwise: 'as reward; continuous beside a function',
    custom: custom<ProposerReward>('(questions) => rewards'),
    identity: true,
  }),
  solver_soft_gamma: number(solverRewardDefaults.gamma, 'exponent on the agreement', {
    env: 'SOLVER_SOFT_GAMMA',
    min: 0,
    option: 'gamma',
    identity: true,
  }),
  len_penalty_weight: number(
    solverRewardDefaults.lengthPenalty,
    'largest share of the reward that length can cost',
    {
      env: 'LEN_PENALTY_WEIGHT',
      min: 0,
      max: 1,
      option: 'lengthPenalty',
      identity: true,
    },
  ),
  len_penalty_target_words: integer(
    solverRewardDefaults.targetWords,
    'words before the answer that cost nothing',
    {
      env: 'LEN_PENALTY_TARGET_WORDS',
      min: 0,
      option: 'targetWords',
      identity: true,
    },
  ),
  prop_entropy_mu: number(entropyBandDefaults.nats.mu, 'entropy of the answers that a question aims for', {
    env: 'PROP_ENTROPY_MU',
    min: 0,
    unit: 'nats',
    option: 'mu',
    identity: true,
  }),
  prop_entropy_sigma: number(entropyBandDefaults.nats.sigma, 'width of the band around that entropy', {
    env: 'PROP_ENTROPY_SIGMA',
    above: 0,
    unit: 'nats',
    option: 'sigma',
    identity: true,
  }),
  normalize_answers: choice(normalizerNames, 'when two answers count as the same', {
    custom: custom<Normalizer>('(answer) => answer'),
    identity: true,
  }),
  untagged_answers: choice(untaggedAnswers, 'what an output without an answer tag counts as', {
    option: 'untagged',
    identity: true,
  }),
}

const learning = {
  solver_update: choice(updateNames, 'one optimizer step on all answers, or one after each as released', {
    identity: true,
  }),
  update_epochs: integer(1, 'optimizer steps on the samples of an iteration', {
    min: 1,
    identity: true,
    elsewhere: ['num_iterations', 'actor.ppo_epochs'],
  }),
  proposer_update_freq: integer(5, 'iterations between updates of the proposer; 0 never updates it', {
    env: 'PROP_FREQ',
    min: 0,
    identity: true,
  }),
  baseline: choice(advantageNames, 'what the reward of an answer is compared with', {
    identity: true,
    elsewhere: ['algorithm.adv_estimator', 'adv_estimator', 'scale_rewards'],
  }),
  proposer_baseline: choice(advantageNames, 'what the reward of a question is compared with', {
    identity: true,
  }),
  normalization: choice(normalizations, "average the loss over an answer's tokens, or add it up", {
    identity: true,
    elsewhere: ['loss_type', 'loss_agg_mode', 'actor.loss_agg_mode'],
  }),
  lr: { ...optimizer.lr, env: 'LR' },
  proposer_lr: number(null, 'learning rate of the proposer', { min: 0, follows: 'lr', identity: true }),
  lr_scheduler: optimizer.lr_scheduler,
  warmup_steps: optimizer.warmup_steps,
  weight_decay: { ...optimizer.weight_decay, env: 'WEIGHT_DECAY' },
  grad_clip: { ...optimizer.grad_clip, env: 'GRAD_CLIP', above: 0 },
  gradient_checkpointing: optimizer.gradient_checkpointing,
}

const divergence = {
  kl_control: choice(
    ['adaptive', 'fixed'],
    'adapt the weight of the divergence (beta) to a target, or fix it',
    { identity: true, elsewhere: ['algorithm.kl_type', 'kl_ctrl.type'] },
  ),
  kl_coef: number(adaptiveKlDefaults.coefficient, 'beta at the start', {
    env: 'KL_COEF',
    min: 0,
    option: 'coefficient',
    identity: true,
    elsewhere: ['beta', 'algorithm.kl_coef', 'kl_loss_coef', 'actor.kl_loss_coef', 'init_kl_coef'],
  }),
  kl_target: number(adaptiveKlDefaults.target, 'divergence from the start to aim for, per token', {
    env: 'KL_TARGET',
    min: 0,
    unit: 'nats',
    option: 'target',
    identity: true,
    elsewhere: ['algorithm.kl_target', 'kl_ctrl.target_kl', 'target_kl'],
  }),
  solver_kl_target: number(null, 'divergence of the solver to aim for', {
    min: 0,
    unit: 'nats',
    follows: 'kl_target',
    identity: true,
  }),
  proposer_kl_target: number(null, 'divergence of the proposer to aim for', {
    min: 0,
    unit: 'nats',
    follows: 'kl_target',
    identity: true,
  }),
  kl_adapt_rate: number(adaptiveKlDefaults.rate, 'how fast beta adapts', {
    env: 'KL_ADAPT_RATE',
    min: 0,
    option: 'rate',
    identity: true,
    elsewhere: ['algorithm.kl_horizon', 'kl_ctrl.horizon'],
  }),
}

const guards = {
  skip_malformed: toggle(true, 'do not ask malformed questions: without their tag, too long', {
    identity: true,
  }),
  min_question_logprob: number(null, 'do not ask what the start proposer finds less likely, per token', {
    max: 0,
    unit: 'nats',
    otherwise: 'ask all',
    identity: true,
  }),
  collapse_window: integer(watchDefaults.window, 'latest questions to watch for one answer to every image', {
    min: 1,
    option: 'window',
    identity: true,
  }),
  collapse_entropy_floor: number(
    watchDefaults.entropyFloor,
    'answers with less entropy count as all the same',
    {
      min: 0,
      unit: 'nats',
      option: 'entropyFloor',
      identity: true,
    },
  ),
  collapse_patience: integer(
    watchDefaults.patience,
    'iterations in a row without entropy, or with equal rewards',
    {
      min: 1,
      option: 'patience',
      identity: true,
    },
  ),
  collapse_kl: number(watchDefaults.kl, 'divergence from the start that is too large, per token', {
    above: 0,
    unit: 'nats',
    option: 'kl',
    identity: true,
  }),
  stop_on_collapse: toggle(false, 'end the run at a collapse, not only report it', { identity: false }),
}

const probe = {
  probe_data: text(null, 'questions with known answers: image, question, answer a line', {
    value: 'file.jsonl',
    otherwise: 'none',
    identity: false,
    elsewhere: ['eval_dataset', 'data.val_files'],
  }),
  probe_every: integer(50, 'iterations between measurements; 0 at start and end alone', {
    min: 0,
    identity: false,
    elsewhere: ['eval_steps', 'trainer.val_freq', 'trainer.test_freq'],
  }),
  probe_limit: integer(null, 'questions of the file to use', { min: 1, otherwise: 'all', identity: false }),
  probe_samples: integer(0, 'sampled answers to each question, besides the greedy one', {
    min: 0,
    identity: false,
  }),
}

/** The groups of the help, in its order. */
export const evolmmRows = {
  Images: images,
  Models: models,
  Adapters: adapters,
  Run: run,
  'Questions and answers': rollout,
  Rewards: rewards,
  Learning: learning,
  'Divergence from the start': divergence,
  Guards: guards,
  Probe: probe,
  Tracking: trackingRows,
}

export type EvolmmRows = RowsOf<typeof evolmmRows>
