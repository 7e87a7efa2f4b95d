/** The optimizer steps of a role, and those of the controller that weighs its divergence from the start. */
import {
  AdamW,
  adaptiveKl,
  fixedKl,
  learningRate,
  type AdamWState,
  type KlController,
  type KlState,
} from '@evolmm/rl-core'
import type { Adapter } from '@evolmm/vlm'
import type { GroupGradient } from './group-gradient'
import type { Loop } from './loop'
import type { StepTaken } from './record/update-fields'
import type { Role } from './role'
import type { Strategy } from './strategy'

/** A policy on its way from one iteration to the next. */
interface MovingPolicy {
  adapter: Adapter
  /** The rate of all steps of the iteration. */
  learningRate: number
  readonly kl: KlState
  readonly taken: readonly StepTaken[]
  take: (gradient: GroupGradient) => void
  /** Makes what was reached the state of the role. */
  settle: () => void
}

interface MoveOptions {
  /** The number of the iteration begins at 1. */
  step: number
  /** `true` for steps on a copy, so that the state is as it was until `settle`; without it there is one step, just before. */
  aside: boolean
}

export function movingPolicy(
  role: Role,
  { settings, state: { [role]: state } }: Loop,
  { learningRate: base, klTarget }: Strategy,
): (options: MoveOptions) => MovingPolicy {
  const { adapter } = state
  const { kl_control: control, kl_coef: coefficient, kl_adapt_rate: rate } = settings
  const controller: KlController =
    control === 'fixed' ? fixedKl({ coefficient }) : adaptiveKl({ coefficient, target: klTarget, rate })
  const rateAt = learningRate({
    schedule: settings.lr_scheduler,
    base,
    warmupSteps: settings.warmup_steps,
    totalSteps: settings.total_steps,
  })
  const open = (from: AdamWState | null) =>
    new AdamW({
      size: adapter.parameters.length,
      weightDecay: settings.weight_decay,
      clip: settings.grad_clip,
      ...(from !== null && { state: from }),
    })
  let optimizer = open(state.optimizer)
  state.optimizer = optimizer.state
  state.kl ??= controller.initial

  return ({ step, aside }) => {
    const lr = rateAt(step - 1)
    const moved = {
      adapter: aside ? { ...adapter, parameters: adapter.parameters.slice() } : adapter,
      optimizer: aside ? open(optimizer.state) : optimizer,
      kl: state.kl ?? controller.initial,
      taken: [] as StepTaken[],
    }
    return {
      ...{ adapter: moved.adapter, learningRate: lr, taken: moved.taken },
      get kl() {
        return moved.kl
      },
      take: ({ gradient, ...means }) => {
        const report = moved.optimizer.step(moved.adapter.parameters, gradient, { lr })
        moved.kl = controller.update(means.kl, moved.kl)
        moved.taken.push({ ...means, gradientNorm: report.gradientNorm, skipped: report.skipped !== null })
      },
      settle: () => {
        if (aside) adapter.parameters.set(moved.adapter.parameters)
        optimizer = moved.optimizer
        state.optimizer = optimizer.state
        state.kl = moved.kl
        state.updates += moved.taken.length
      },
    }
  }
}
