/** What Hugging Face, TRL, accelerate and EasyR1 let one set of any method, and why nothing stands for it here. */

type Absent = Readonly<Record<string, string>>

const oneProcess = 'a run is one process here'
const iterations = 'a run is so many iterations: see total_steps'
const allLogged = 'every iteration is logged'
const noUpload = 'nothing is uploaded; a checkpoint is a folder that huggingface-cli uploads'

/** What a launcher is told, whatever it launches. */
export const absentLaunching: Absent = {
  num_processes: oneProcess,
  num_machines: oneProcess,
  machine_rank: oneProcess,
  main_process_ip: oneProcess,
  main_process_port: oneProcess,
  nproc_per_node: oneProcess,
  'trainer.n_gpus_per_node': oneProcess,
  'trainer.nnodes': oneProcess,
  deepspeed: oneProcess,
  use_deepspeed: oneProcess,
  fsdp: oneProcess,
  use_fsdp: oneProcess,
}

/** What a trainer is told, by any method. */
export const absentTraining: Absent = {
  ...absentLaunching,
  num_train_epochs: iterations,
  'trainer.total_epochs': iterations,
  logging_steps: allLogged,
  logging_first_step: allLogged,
  logging_strategy: allLogged,
  save_strategy: 'see save_every',
  attn_implementation: 'the programs have one attention',
  use_liger_kernel: 'the programs have their own kernels',
  optim: 'the optimizer is AdamW',
  push_to_hub: noUpload,
  hub_model_id: noUpload,
  trust_remote_code: 'no code of a checkpoint is ever run',
}
