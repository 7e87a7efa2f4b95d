/**
 * Every setting of a run, once: flags, environment variables, configuration files, checks, help and documentation are
 * made from this table. Names, variables and defaults of the released `train.py` are kept; a name is that of the flag.
 */
import { bytes, choice, integer, list, number, prompt, text, toggle, type Setting } from './setting'

const projections = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
const model = 'Qwen/Qwen2.5-VL-3B-Instruct'
const dir = { value: 'dir' }
const nats = { value: 'nats' }
const folderName = {
  rule: 'be the name of a folder, without slashes',
  holds: (name: string) => !/[/\\]|^\.\.?$/.test(name),
}
const asksQuestion = { rule: 'contain {question}', holds: (text: string) => text.includes('{question}') }

const images = {
  data_dir: text('images/train', 'folder of images, or of subfolders with them at any depth', {
    env: 'DATA_DIR',
    ...dir,
  }),
  include_subfolders: list(null, 'first-level subfolders to use, between commas', {
    env: 'INCLUDE_SUBFOLDERS',
    otherwise: 'all',
  }),
  reshuffle: toggle(false, 'shuffle anew in each epoch; the released code never does'),
  manifest: text(null, 'manifest of @evolmm/dataset, whose images are not checked again', {
    value: 'file',
    otherwise: 'none',
  }),
  min_pixels: integer(null, 'enlarge smaller images to this area, in pixels', {
    min: 1,
    otherwise: "the checkpoint's",
  }),
  max_pixels: integer(null, 'reduce larger images to this area, in pixels', {
    min: 1,
    otherwise: "the checkpoint's",
  }),
  image_cache: bytes(2 ** 28, 'memory for encoded images, such as 512MB; 0 keeps none'),
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
  device: choice(['auto', 'cpu', 'cuda', 'webgpu'], 'where to compute; auto prefers cuda', {
    env: 'DEVICE',
    also: { 'cuda:0': 'cuda' },
  }),
  dtype: choice(['bfloat16', 'float16', 'float32'], 'type of the weights; float32 where a device lacks it', {
    env: 'DTYPE',
  }),
  quantize: choice(
    ['none', 'int4'],
    'hold the matrices of linear modules in 4 bits, with LoRA on top (QLoRA)',
  ),
  freeze_vision: toggle(true, 'keep the vision tower as it is', { env: 'FREEZE_VISION' }),
  memory_limit: bytes(null, 'what a run may use, such as 80GB; one that cannot fit is refused', {
    otherwise: 'what the device has left',
  }),
  threads: integer(null, 'threads on the CPU', { min: 1, otherwise: "the runtime's choice" }),
  cache_dir: text(null, 'where widened and quantized weights are kept', {
    ...dir,
    otherwise: '~/.cache/evolmm/weights',
  }),
  device_map: text('auto', 'accepted as released; has no effect here', { env: 'DEVICE_MAP', value: 'name' }),
}

const adapters = {
  use_lora_solver: toggle(false, 'train a LoRA adapter of the solver, not all weights', {
    env: 'USE_LORA_SOLVER',
  }),
  use_lora_proposer: toggle(false, 'the same for the proposer', { env: 'USE_LORA_PROPOSER' }),
  solver_adapter: text(null, 'adapter to start from: PEFT folder, or name on the hub', {
    value: 'dir_or_id',
    otherwise: 'a new one',
  }),
  proposer_adapter: text(null, 'the same for the proposer', { value: 'dir_or_id', otherwise: 'a new one' }),
  lora_r: integer(16, 'rank of a new adapter', { env: 'LORA_R', min: 1 }),
  lora_alpha: number(32, 'a new adapter counts alpha / rank', { env: 'LORA_ALPHA', above: 0 }),
  lora_dropout: number(0.05, 'share of the inputs that is dropped while learning', {
    env: 'LORA_DROPOUT',
    min: 0,
    below: 1,
  }),
  lora_targets: list([...projections, 'mm_projector'], 'modules to adapt, by the ends of their names', {
    env: 'LORA_TARGETS',
  }),
  adapter_layout: choice(['current', 'legacy'], 'tensor names of transformers from 4.52 on, or before'),
}

const run = {
  run_name: text(null, 'name of the run and its folder; --wandb_run_name is the same', {
    value: 'name',
    otherwise: 'model and time',
    alias: { name: 'wandb_run_name', env: 'WANDB_RUN_NAME' },
    must: folderName,
  }),
  output_dir: text('runs', 'where the folders of runs are', { env: 'OUTPUT_DIR', ...dir }),
  total_steps: integer(100, 'iterations of the run', { env: 'TOTAL_STEPS', min: 1 }),
  batch_size: integer(1, 'images per iteration', { min: 1 }),
  seed: integer(42, 'seed of every draw', { env: 'SEED', min: 0 }),
  resume: text('auto', 'go on from the newest complete checkpoint, from none, or from this one', {
    value: 'auto|never|dir',
  }),
  save_every: integer(50, 'iterations between checkpoints; 0 saves only the last state', {
    env: 'SAVE_EVERY',
    min: 0,
  }),
  max_checkpoints: integer(2, 'newest checkpoints to keep, at least 2', { env: 'MAX_CKPTS', min: 0 }),
  clear_cache_every: integer(25, 'accepted as released; has no effect here', {
    env: 'CLEAR_CACHE_EVERY',
    min: 0,
  }),
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
  max_new_tokens_solver: integer(128, 'longest output of the solver, in tokens', {
    env: 'MAX_NEW_TOKENS_SOLVER',
    min: 1,
  }),
  max_new_tokens_proposer: integer(128, 'longest output of the proposer, in tokens', {
    env: 'MAX_NEW_TOKENS_PROPOSER',
    min: 1,
  }),
  solver_prompt: prompt(null, 'what the solver is asked; {question} stands for the question', {
    otherwise: 'as published',
    must: asksQuestion,
  }),
  proposer_prompt: prompt(null, 'what the proposer is asked', { otherwise: 'as published' }),
  system_prompt: prompt(null, 'system message of both roles', { otherwise: "the chat template's" }),
}

const rewards = {
  reward: choice(['continuous', 'discrete'], 'what both roles learn from'),
  solver_soft_gamma: number(0.7, 'exponent on the agreement', { env: 'SOLVER_SOFT_GAMMA', min: 0 }),
  len_penalty_weight: number(0.1, 'largest share of the reward that length can cost', {
    env: 'LEN_PENALTY_WEIGHT',
    min: 0,
    max: 1,
  }),
  len_penalty_target_words: integer(6, 'words before the answer that cost nothing', {
    env: 'LEN_PENALTY_TARGET_WORDS',
    min: 0,
  }),
  prop_entropy_mu: number(0.9, 'entropy of the answers that a question aims for', {
    env: 'PROP_ENTROPY_MU',
    min: 0,
    ...nats,
  }),
  prop_entropy_sigma: number(0.35, 'width of the band around it', {
    env: 'PROP_ENTROPY_SIGMA',
    above: 0,
    ...nats,
  }),
  normalize_answers: choice(['canonical', 'released'], 'when two answers count as the same'),
  untagged_answers: choice(['invalid', 'last-line'], 'what an output without an answer tag counts as'),
}

const learning = {
  solver_update: choice(
    ['group', 'sequential'],
    'one optimizer step on all answers, or one after each as released',
  ),
  proposer_update_freq: integer(5, 'iterations between updates of the proposer; 0 never updates it', {
    env: 'PROP_FREQ',
    min: 0,
  }),
  baseline: choice(['ema', 'leave-one-out'], 'what the reward of an answer is compared with'),
  proposer_baseline: choice(['ema', 'leave-one-out'], 'what the reward of a question is compared with'),
  normalization: choice(['token-mean', 'sum'], "average the loss over an answer's tokens, or add it up"),
  lr: number(1e-6, 'learning rate of AdamW', { env: 'LR', min: 0 }),
  proposer_lr: number(null, 'the same for the proposer', { min: 0, otherwise: 'lr' }),
  lr_scheduler: choice(['constant', 'linear', 'cosine'], 'course of the learning rate over the run'),
  warmup_steps: integer(0, 'iterations in which the learning rate rises from 0', { min: 0 }),
  weight_decay: number(0.01, 'decoupled weight decay', { env: 'WEIGHT_DECAY', min: 0 }),
  grad_clip: number(1, 'largest norm of a gradient', { env: 'GRAD_CLIP', above: 0 }),
  gradient_checkpointing: toggle(false, 'less memory, more time'),
}

const divergence = {
  kl_control: choice(
    ['adaptive', 'fixed'],
    'adapt the weight of the divergence (beta) to a target, or fix it',
  ),
  kl_coef: number(1e-3, 'beta at the start', { env: 'KL_COEF', min: 0 }),
  kl_target: number(0.02, 'divergence from the start to aim for, per token', {
    env: 'KL_TARGET',
    min: 0,
    ...nats,
  }),
  solver_kl_target: number(null, 'the same for the solver', {
    min: 0,
    ...nats,
    otherwise: 'kl_target',
  }),
  proposer_kl_target: number(null, 'the same for the proposer', {
    min: 0,
    ...nats,
    otherwise: 'kl_target',
  }),
  kl_adapt_rate: number(0.1, 'how fast beta adapts', { env: 'KL_ADAPT_RATE', min: 0 }),
}

const guards = {
  skip_malformed: toggle(true, 'do not ask malformed questions: without their tag, too long'),
  min_question_logprob: number(null, 'do not ask what the start proposer finds less likely, per token', {
    max: 0,
    ...nats,
    otherwise: 'ask all',
  }),
  collapse_window: integer(200, 'latest questions to watch for one answer to every image', { min: 1 }),
  collapse_entropy_floor: number(0.01, 'answers with less entropy count as all the same', {
    min: 0,
    ...nats,
  }),
  collapse_patience: integer(100, 'iterations in a row without entropy, or with equal rewards', { min: 1 }),
  collapse_kl: number(0.1, 'divergence from the start that is too large, per token', { above: 0, ...nats }),
  stop_on_collapse: toggle(false, 'end the run at a collapse, not only report it'),
}

const probe = {
  probe_data: text(null, 'questions with known answers: image, question, answer a line', {
    value: 'file.jsonl',
    otherwise: 'none',
  }),
  probe_every: integer(50, 'iterations between measurements; 0 at start and end alone', { min: 0 }),
  probe_limit: integer(null, 'questions of the file to use', { min: 1, otherwise: 'all' }),
  probe_samples: integer(0, 'sampled answers to each question, besides the greedy one', { min: 0 }),
}

const tracking = {
  tensorboard: toggle(true, 'write TensorBoard event files'),
  report: toggle(true, 'write report.html at the end'),
  wandb_mode: choice(['disabled', 'online', 'offline'], 'log to Weights & Biases', { env: 'WANDB_MODE' }),
  wandb_project: text('sqlm', 'its project', { env: 'WANDB_PROJECT', value: 'name' }),
  wandb_entity: text(null, 'its user or team', {
    env: 'WANDB_ENTITY',
    value: 'name',
    otherwise: "the key's own",
  }),
  wandb_log_images_every: integer(0, 'iterations between logged images; 0 logs none', {
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
