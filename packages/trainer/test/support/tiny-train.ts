/** Options for `train` on the tiny checkpoint. */
import type { SolverReward, TrainOptions } from '../../src/index'
import { noise, tinyFolder } from './tiny-run'

/** Noise agrees with nothing: a reward that differs from answer to answer, and is a function of the text. */
export const textReward: SolverReward = (batch) =>
  batch.map(({ text }) => (Array.from(text).reduce((sum, c) => sum + (c.codePointAt(0) ?? 0), 0) % 7) / 7)

export function tinyTrain(folder: string, images: string, given: Partial<TrainOptions> = {}): TrainOptions {
  const role = {
    model: tinyFolder,
    lora: { rank: 4, alpha: 8, dropout: 0.05, targets: ['q_proj', 'v_proj', 'gate_proj'] },
  }
  return {
    folder,
    solver: role,
    proposer: role,
    load: { device: 'cpu', threads: 1 },
    data: { root: images, seed: 3 },
    saveEvery: 2,
    onWarning: () => undefined,
    config: { lr: 1e-3 },
    ...given,
    evolve: {
      ...noise,
      reward: textReward,
      total_steps: 6,
      proposer_update_freq: 2,
      ...given.evolve,
    },
  }
}
