/** What TRL, Hugging Face, accelerate and EasyR1 let one set, and why nothing stands for it here. */
import { absentTraining } from '@evolmm/settings'

const ownEngine = 'answers are sampled by the programs that learn, so there is no other engine to set up'
const wholeBatch =
  'each iteration is on batch_size images; see solver_update for the answers of an optimizer step'

export const absentSettings: Readonly<Record<string, string>> = {
  ...absentTraining,
  eval_strategy: 'see probe_every',
  evaluation_strategy: 'see probe_every',
  gradient_accumulation_steps: wholeBatch,
  'actor.global_batch_size': wholeBatch,
  'actor.micro_batch_size_per_device_for_update': 'what an optimizer step learns from one image is one pass',
  per_device_eval_batch_size: 'a probe chooses its own',
  'rollout.tensor_parallel_size': ownEngine,
  'rollout.tensor_model_parallel_size': ownEngine,
  use_vllm: ownEngine,
  vllm_mode: ownEngine,
  vllm_server_host: ownEngine,
  vllm_server_port: ownEngine,
  'rollout.name': ownEngine,
  epsilon: 'the objective is REINFORCE, which has no ratio to clip',
  epsilon_high: 'the objective is REINFORCE, which has no ratio to clip',
  'actor.clip_ratio': 'the objective is REINFORCE, which has no ratio to clip',
  sync_ref_model: 'the reference is where the run began',
  adam_beta1: 'the moments of AdamW are its usual 0.9 and 0.999',
  adam_beta2: 'the moments of AdamW are its usual 0.9 and 0.999',
  max_prompt_length: 'a prompt is never cut; see max_pixels',
  'data.max_prompt_length': 'a prompt is never cut; see max_pixels',
  'algorithm.disable_kl': 'see kl_coef with kl_control fixed',
  'algorithm.use_kl_loss': 'the divergence is always part of the loss; see kl_coef',
  use_kl_loss: 'the divergence is always part of the loss; see kl_coef',
}
