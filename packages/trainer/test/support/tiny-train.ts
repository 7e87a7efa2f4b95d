/** Options for `train` on the tiny checkpoint. */
import { basename, dirname } from 'node:path'
import type { SolverReward, TrainOptions } from '../../src/index'
import { noise, tinyFolder } from './tiny-run'

/** Noise agrees with nothing: a reward that differs from answer to answer, and is a function of the text. */
export const textReward: SolverReward = (batch) =>
  batch.map(({ text }) => (Array.from(text).reduce((sum, c) => sum + (c.codePointAt(0) ?? 0), 0) % 7) / 7)

/** Adapters of both roles, small ones. */
const lora = {
  use_lora_solver: true,
  use_lora_proposer: true,
  lora_r: 4,
  lora_alpha: 8,
  lora_targets: ['q_proj', 'v_proj', 'gate_proj'],
} satisfies TrainOptions

export function tinyTrain(folder: string, images: string, given: TrainOptions = {}): TrainOptions {
  return {
    output_dir: dirname(folder),
    run_name: basename(folder),
    data_dir: images,
    solver_model: tinyFolder,
    device: 'cpu',
    threads: 1,
    ...lora,
    ...noise,
    reward: textReward,
    seed: 3,
    total_steps: 6,
    proposer_update_freq: 2,
    save_every: 2,
    tensorboard: false,
    onWarning: () => undefined,
    ...given,
  }
}
