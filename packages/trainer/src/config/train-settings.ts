/**
 * Every setting of a run, once: flags, environment variables, configuration files, checks, help and documentation are
 * made from this table. Names, variables and defaults of the released `train.py` are kept; a name is that of the flag.
 */
import { bytes, choice, integer, list, number, prompt, text, toggle, type Setting } from './setting'

const projections = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
const model = 'Qwen/Qwen2.5-VL-3B-Instruct'
const dir = { value: 'dir' }
const tokens = { min: 1, value: 'tokens' }
const nats = { value: 'nats' }
const folderName = {
  rule: 'be the name of a folder, without slashes',
  holds: (name: string) => !/[/\\]|^\.\.?$/.test(name),
}
const asksQuestion = { rule: 'contain {question}', holds: (text: string) => text.includes('{question}') }

const images = {
  data_dir: text('images/train', 'images: all of its subfolders, at any depth', { env: 'DATA_DIR', ...dir }),
  include_subfolders: list(null, 'names of first-level subfolders to use', {
    env: 'INCLUDE_SUBFOLDERS',
    otherwise: 'all',
  }),
  reshuffle: toggle(false, 'a new order of the images in each epoch'),
  manifest: text(null, 'what @evolmm/dataset found out about the images before', {
    value: 'file',
    otherwise: 'images are checked when they are first met',
  }),
  min_pixels: integer(null, 'area to which smaller images are enlarged', {
    min: 1,
    value: 'pixels',
    otherwise: "the checkpoint's",
  }),
  max_pixels: integer(null, 'area to which larger images are reduced', {
    min: 1,
    value: 'pixels',
    otherwise: "the checkpoint's",
  }),
  image_cache: bytes(2 ** 28, 'memory for encoded images that will come again'),
}

const models = {
  solver_model: text(model, 'folder of a checkpoint, or ORG/NAME[@revision] on the hub', {
    env: 'SOLVER_MODEL',
    value: 'dir_or_id',
  }),
  proposer_model: text(null, 'the same for the proposer', {
    env: 'PROPOSER_MODEL',
    value: 'dir_or_id',
    otherwise: 'that of the solver',
  }),
  revision: text(null, 'branch, tag or commit on the hub', { value: 'name', otherwise: 'main' }),
  device: choice(['auto', 'cpu', 'cuda', 'webgpu'], 'where to compute; auto is cuda if it works, else cpu', {
    env: 'DEVICE',
    also: { 'cuda:0': 'cuda' },
  }),
  dtype: choice(['bfloat16', 'float16', 'float32'], 'type of the weights, float32 where a device lacks it', {
    env: 'DTYPE',
  }),
  freeze_vision: toggle(true, 'leave the vision tower as it is', { env: 'FREEZE_VISION' }),
  threads: integer(null, 'threads on the CPU', { min: 1, otherwise: "the runtime's choice" }),
  cache_dir: text(null, 'where widened weights are kept', { ...dir, otherwise: '~/.cache/evolmm/weights' }),
  device_map: text('auto', 'of the released code; has no effect', { env: 'DEVICE_MAP', value: 'name' }),
}

const adapters = {
  use_lora_solver: toggle(false, 'train an adapter, not all weights, of the solver', {
    env: 'USE_LORA_SOLVER',
  }),
  use_lora_proposer: toggle(false, 'the same for the proposer', { env: 'USE_LORA_PROPOSER' }),
  solver_adapter: text(null, 'adapter to start from: PEFT folder or hub id', {
    value: 'dir_or_id',
    otherwise: 'a new one',
  }),
  proposer_adapter: text(null, 'the same for the proposer', { value: 'dir_or_id', otherwise: 'a new one' }),
  lora_r: integer(16, 'rank of new adapters', { env: 'LORA_R', min: 1 }),
  lora_alpha: number(32, 'a new adapter counts alpha / rank', { env: 'LORA_ALPHA', above: 0 }),
  lora_dropout: number(0.05, 'share of inputs that learning drops', {
    env: 'LORA_DROPOUT',
    min: 0,
    below: 1,
  }),
  lora_targets: list([...projections, 'mm_projector'], 'modules to adapt, by the ends of their names', {
    env: 'LORA_TARGETS',
  }),
  adapter_layout: choice(['current', 'legacy'], 'names of tensors: those of transformers 4.52, or before'),
}

const run = {
  run_name: text(null, 'name of the run and of its folder', {
    value: 'name',
    otherwise: 'model and time',
    alias: { name: 'wandb_run_name', env: 'WANDB_RUN_NAME' },
    must: folderName,
  }),
  output_dir: text('runs', 'where the folders of runs are', { env: 'OUTPUT_DIR', ...dir }),
  total_steps: integer(100, 'iterations', { env: 'TOTAL_STEPS', min: 1 }),
  batch_size: integer(1, 'images of an iteration', { min: 1 }),
  seed: integer(42, 'of everything that is drawn', { env: 'SEED', min: 0 }),
  resume: text('auto', 'auto: go on from the newest whole checkpoint; never; or a checkpoint', {
    value: 'auto|never|dir',
  }),
  save_every: integer(50, 'iterations between checkpoints; 0 saves the last alone', {
    env: 'SAVE_EVERY',
    min: 0,
  }),
  max_checkpoints: integer(2, 'checkpoints that are kept, at least 2', { env: 'MAX_CKPTS', min: 0 }),
  clear_cache_every: integer(25, 'of the released code; has no effect', { env: 'CLEAR_CACHE_EVERY', min: 0 }),
}

const rollout = {
  num_solver_samples: integer(5, 'answers to each question (N)', { env: 'N_SAMPLES', min: 1 }),
  temp: number(1, 'temperature of both roles', { env: 'TEMP', above: 0, ignoreEnv: /[/\\]/ }),
  top_p: number(1, 'draw from the fewest tokens that share this probability', {
    env: 'TOP_P',
    above: 0,
    max: 1,
  }),
  top_k: integer(0, 'draw from this many of the likeliest tokens, 0 from all', { min: 0 }),
  max_new_tokens_solver: integer(128, 'longest output of the solver', {
    env: 'MAX_NEW_TOKENS_SOLVER',
    ...tokens,
  }),
  max_new_tokens_proposer: integer(128, 'longest output of the proposer', {
    env: 'MAX_NEW_TOKENS_PROPOSER',
    ...tokens,
  }),
  solver_prompt: prompt(null, 'what the solver is asked; {question} stands for the question', {
    otherwise: 'as published',
    must: asksQuestion,
  }),
  proposer_prompt: prompt(null, 'what the proposer is asked', { otherwise: 'as published' }),
  system_prompt: prompt(null, 'system message of both', { otherwise: "the chat template's" }),
}

const rewards = {
  reward: choice(['continuous', 'discrete'], 'what both roles learn from'),
  solver_soft_gamma: number(0.7, 'exponent on the agreement', { env: 'SOLVER_SOFT_GAMMA', min: 0 }),
  len_penalty_weight: number(0.1, 'share of the reward that length costs at most', {
    env: 'LEN_PENALTY_WEIGHT',
    min: 0,
    max: 1,
  }),
  len_penalty_target_words: integer(6, 'words before the answer that cost nothing', {
    env: 'LEN_PENALTY_TARGET_WORDS',
    min: 0,
    value: 'words',
  }),
  prop_entropy_mu: number(0.9, 'entropy of the answers that a question should have', {
    env: 'PROP_ENTROPY_MU',
    min: 0,
    ...nats,
  }),
  prop_entropy_sigma: number(0.35, 'how far from it still earns something', {
    env: 'PROP_ENTROPY_SIGMA',
    above: 0,
    ...nats,
  }),
  normalize_answers: choice(['canonical', 'released'], 'when answers are the same: by value, or as released'),
  untagged_answers: choice(['invalid', 'last-line'], 'output without an answer tag'),
}

const learning = {
  solver_update: choice(['group', 'sequential'], 'one step on all answers, or one on each, as released'),
  proposer_update_freq: integer(5, 'iterations between updates of the proposer; 0: none', {
    env: 'PROP_FREQ',
    min: 0,
  }),
  baseline: choice(['ema', 'leave-one-out'], "what an answer's reward is compared with"),
  proposer_baseline: choice(['ema', 'leave-one-out'], "the same for a question's"),
  normalization: choice(['token-mean', 'sum'], "an answer's tokens share one weight, or each has its own"),
  lr: number(1e-6, 'learning rate', { env: 'LR', min: 0 }),
  proposer_lr: number(null, 'learning rate of the proposer', { min: 0, otherwise: 'lr' }),
  lr_scheduler: choice(['constant', 'linear', 'cosine'], 'what it does up to the last iteration'),
  warmup_steps: integer(0, 'iterations in which it rises', { min: 0 }),
  weight_decay: number(0.01, 'decoupled weight decay', { env: 'WEIGHT_DECAY', min: 0 }),
  grad_clip: number(1, 'largest norm of a gradient', { env: 'GRAD_CLIP', above: 0 }),
  gradient_checkpointing: toggle(false, 'less memory, more time'),
}

const divergence = {
  kl_control: choice(['adaptive', 'fixed'], 'whether its weight (beta) follows the target'),
  kl_coef: number(1e-3, 'beta at the start', { env: 'KL_COEF', min: 0 }),
  kl_target: number(0.02, 'divergence to hold, per token', { env: 'KL_TARGET', min: 0, ...nats }),
  solver_kl_target: number(null, 'the same for the solver alone', {
    min: 0,
    ...nats,
    otherwise: 'kl_target',
  }),
  proposer_kl_target: number(null, 'the same for the proposer alone', {
    min: 0,
    ...nats,
    otherwise: 'kl_target',
  }),
  kl_adapt_rate: number(0.1, 'speed of adaptation', { env: 'KL_ADAPT_RATE', min: 0 }),
}

const guards = {
  skip_malformed: toggle(true, 'ask no questions that lack their tag, or are too long'),
  min_question_logprob: number(
    null,
    'ask no questions that the start proposer finds less likely, per token',
    {
      max: 0,
      ...nats,
      otherwise: 'ask all',
    },
  ),
  collapse_window: integer(200, 'latest questions in which the same answers to all images show', { min: 1 }),
  collapse_entropy_floor: number(0.01, 'entropy below which answers are all the same', { min: 0, ...nats }),
  collapse_patience: integer(100, 'iterations of that in a row that are a collapse', { min: 1 }),
  collapse_kl: number(0.1, 'divergence that is one, per token', { above: 0, ...nats }),
  stop_on_collapse: toggle(false, 'end the run then; without it, it is reported'),
}

const probe = {
  probe_data: text(null, 'questions to measure by: lines of image, question, answer', {
    value: 'file.jsonl',
    otherwise: 'none',
  }),
  probe_every: integer(50, 'iterations between; 0: before the first and after the last', { min: 0 }),
  probe_limit: integer(null, 'questions of the file', { min: 1, otherwise: 'all' }),
  probe_samples: integer(0, 'answers to sample for each besides the greedy one', { min: 0 }),
}

const tracking = {
  tensorboard: toggle(true, 'write TensorBoard event files'),
  report: toggle(true, 'write report.html at the end'),
  wandb_mode: choice(['disabled', 'online', 'offline'], 'Weights & Biases', { env: 'WANDB_MODE' }),
  wandb_project: text('sqlm', 'project there', { env: 'WANDB_PROJECT', value: 'name' }),
  wandb_entity: text(null, 'user or team there', {
    env: 'WANDB_ENTITY',
    value: 'name',
    otherwise: "the key's own",
  }),
  wandb_log_images_every: integer(0, 'iterations between images; 0: none', {
    env: 'WANDB_LOG_IMAGES_EVERY',
    min: 0,
  }),
}

/** In the order of the help. */
export const trainSettings = {
  ...images,
  ...models,
  ...adapters,
  ...run,
  ...rollout,
  ...rewards,
  ...learning,
  ...divergence,
  ...guards,
  ...probe,
  ...tracking,
}

export type TrainSetting = keyof typeof trainSettings

/** Every setting with its value, by the names of the flags; `null` is explained by the table's `otherwise`. */
export type TrainConfig = {
  -readonly [K in TrainSetting]: (typeof trainSettings)[K] extends Setting<infer T> ? T : never
}

const names = (group: object) => Object.keys(group) as TrainSetting[]

export const settingGroups: readonly { title: string; names: readonly TrainSetting[] }[] = [
  { title: 'Images', names: names(images) },
  { title: 'Models', names: names(models) },
  { title: 'Adapters', names: names(adapters) },
  { title: 'Run', names: names(run) },
  { title: 'Questions and answers', names: names(rollout) },
  { title: 'Rewards', names: names(rewards) },
  { title: 'Learning', names: names(learning) },
  { title: 'Divergence from the start', names: names(divergence) },
  { title: 'Guards', names: names(guards) },
  { title: 'Probe', names: names(probe) },
  { title: 'Tracking', names: names(tracking) },
]

/** The environment variable of a setting. */
export function environmentName(name: TrainSetting): string {
  const setting: Setting = trainSettings[name]
  return setting.env ?? `EVOLMM_${name.toUpperCase()}`
}
