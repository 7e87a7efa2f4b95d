/** The loop's settings by the names of the flags, with their defaults. */
import { malformedFaults, type EvolveSettings } from './options'

export type LoopSettings = ReturnType<typeof loopSettings>

export function loopSettings(given: EvolveSettings) {
  const { sampling = {}, prompts = {}, rewards = {}, kl = {}, optimizer = {}, guards = {} } = given
  const lr = optimizer.lr ?? 1e-6
  return {
    total_steps: given.totalSteps ?? 100,
    seed: given.seed ?? 42,
    batch_size: given.batchSize ?? 1,
    num_solver_samples: given.samples ?? 5,
    proposer_update_freq: given.proposerUpdateFreq ?? 5,
    solver_update: given.solverUpdate ?? 'group',
    update_epochs: given.updateEpochs ?? 1,
    temp: sampling.temperature ?? 1,
    top_p: sampling.topP ?? 1,
    top_k: sampling.topK ?? 0,
    max_new_tokens_solver: sampling.solverTokens ?? 128,
    max_new_tokens_proposer: sampling.proposerTokens ?? 128,
    proposer_prompt: prompts.proposer ?? null,
    solver_prompt: prompts.solver ?? null,
    system_prompt: prompts.system ?? null,
    reward: rewards.kind ?? 'continuous',
    proposer_reward: rewards.proposer ?? null,
    solver_soft_gamma: rewards.gamma ?? 0.7,
    len_penalty_weight: rewards.lengthPenalty ?? 0.1,
    len_penalty_target_words: rewards.targetWords ?? 6,
    prop_entropy_mu: rewards.entropyBand?.mu ?? 0.9,
    prop_entropy_sigma: rewards.entropyBand?.sigma ?? 0.35,
    normalize_answers: rewards.normalize ?? 'canonical',
    untagged_answers: rewards.untagged ?? 'invalid',
    baseline: given.baseline ?? 'ema',
    proposer_baseline: given.proposerBaseline ?? 'ema',
    kl_control: kl.control ?? 'adaptive',
    kl_coef: kl.coefficient ?? 1e-3,
    solver_kl_target: kl.solverTarget ?? 0.02,
    proposer_kl_target: kl.proposerTarget ?? 0.02,
    kl_adapt_rate: kl.rate ?? 0.1,
    lr,
    proposer_lr: optimizer.proposerLr ?? lr,
    weight_decay: optimizer.weightDecay ?? 0.01,
    grad_clip: optimizer.gradClip ?? 1,
    lr_scheduler: optimizer.scheduler ?? 'constant',
    warmup_steps: optimizer.warmupSteps ?? 0,
    normalization: given.normalization ?? 'token-mean',
    gradient_checkpointing: given.gradientCheckpointing ?? false,
    skip: guards.skip ?? malformedFaults,
    min_question_logprob: guards.minQuestionLogProbability ?? null,
    watch: given.watch ?? {},
    stop_on_collapse: given.stopOnCollapse ?? false,
    image_cache: given.imageCache ?? 256 * 2 ** 20,
  }
}
