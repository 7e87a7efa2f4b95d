/** What counts of a run that `train` made when its options were nested, by the names that settings have today. */
import { isObject } from '@evolmm/internal'
import { perRole, roles } from './role'

type FormerIdentity = Readonly<Record<string, unknown>>

const renamed = {
  solver: { model: 'solver_model', adapter: 'solver_adapter' },
  proposer: { model: 'proposer_model', adapter: 'proposer_adapter' },
  lora: { rank: 'lora_r', alpha: 'lora_alpha', dropout: 'lora_dropout', targets: 'lora_targets' },
  ...{ minPixels: 'min_pixels', maxPixels: 'max_pixels', totalSteps: 'total_steps', batchSize: 'batch_size' },
  ...{ samples: 'num_solver_samples', solverUpdate: 'solver_update', proposerBaseline: 'proposer_baseline' },
  proposerUpdateFreq: 'proposer_update_freq',
  sampling: {
    ...{ temperature: 'temp', topP: 'top_p', topK: 'top_k' },
    ...{ solverTokens: 'max_new_tokens_solver', proposerTokens: 'max_new_tokens_proposer' },
  },
  prompts: { proposer: 'proposer_prompt', solver: 'solver_prompt', system: 'system_prompt' },
  rewards: {
    ...{ kind: 'reward', normalize: 'normalize_answers', untagged: 'untagged_answers' },
    ...{ gamma: 'solver_soft_gamma', lengthPenalty: 'len_penalty_weight' },
    targetWords: 'len_penalty_target_words',
    entropyBand: { mu: 'prop_entropy_mu', sigma: 'prop_entropy_sigma' },
  },
  kl: {
    ...{ control: 'kl_control', coefficient: 'kl_coef', rate: 'kl_adapt_rate' },
    ...{ solverTarget: 'solver_kl_target', proposerTarget: 'proposer_kl_target' },
  },
  optimizer: {
    ...{ lr: 'lr', proposerLr: 'proposer_lr', weightDecay: 'weight_decay', gradClip: 'grad_clip' },
    ...{ scheduler: 'lr_scheduler', warmupSteps: 'warmup_steps' },
  },
  guards: { minQuestionLogProbability: 'min_question_logprob' },
  watch: {
    ...{ window: 'collapse_window', entropyFloor: 'collapse_entropy_floor' },
    ...{ patience: 'collapse_patience', kl: 'collapse_kl' },
  },
}
const names = new Map(leaves(renamed))

/**
 * An identity of another form is returned as it is. What no setting of today can say, such as roles with adapters of
 * different ranks, keeps its former name, and the run is refused by that name. Of a function only its presence is known.
 */
export function formerIdentity(stored: FormerIdentity, now: FormerIdentity): FormerIdentity {
  if (!roles.every((role) => isObject(stored[role]))) return stored
  const formerly = perRole((role) => stored[role] as { lora?: unknown; vision?: boolean })
  const found = new Map<string, unknown>([
    ['reshuffle', stored.reshuffle ?? true],
    ...roles.map((role) => [`use_lora_${role}`, formerly[role].lora !== undefined] as const),
    ['freeze_vision', roles.every((role) => formerly[role].vision !== true)],
  ])
  for (const [path, value] of leaves(stored)) {
    const known = names.get(path.replace(/^\w+\.(?=lora\.)/, ''))
    const name = typeof known === 'string' ? known : path
    if (path === 'reshuffle' || (path === 'order' && value === (stored.seed ?? 42))) continue
    if (path.endsWith('.vision') && formerly.solver.vision === formerly.proposer.vision) continue
    if (path === 'guards.skip' && String(value) === '') found.set('skip_malformed', false)
    else if (name === 'reward' && value === 'function') found.set(name, now.reward)
    else found.set(found.has(name) && String(found.get(name)) !== String(value) ? path : name, value)
  }
  return Object.fromEntries(found)
}

/** Values by the names on the way to them, between dots. */
function leaves(group: object, before = ''): [path: string, value: unknown][] {
  return Object.entries(group).flatMap(([name, value]: [string, unknown]) =>
    isObject(value) ? leaves(value, `${before}${name}.`) : [[`${before}${name}`, value]],
  )
}
