/** What must hold of the options of a run, before anything is begun; the parts check what is theirs. */
import { checkInteger, checkNumber, checkOneOf, EvolmmError } from '@evolmm/internal'
import type { EvolveSettings } from './options'

export function checkOptions(options: EvolveSettings): void {
  const batchSize = checkInteger('batchSize', options.batchSize ?? 1, { min: 1 })
  const samples = checkInteger('samples', options.samples ?? 5, { min: 1 })
  const freq = checkInteger('proposerUpdateFreq', options.proposerUpdateFreq ?? 5, { min: 0 })
  checkInteger('totalSteps', options.totalSteps ?? 100, { min: 0 })
  checkInteger('updateEpochs', options.updateEpochs ?? 1, { min: 1 })
  checkInteger('seed', options.seed ?? 42, { min: 0 })
  checkNumber('imageCache', options.imageCache ?? 0, { min: 0 })
  checkOneOf('solverUpdate', options.solverUpdate ?? 'group', ['group', 'sequential'])
  const { lr, proposerLr, weightDecay, gradClip, scheduler, warmupSteps } = options.optimizer ?? {}
  for (const [name, value] of Object.entries({ lr, proposerLr, weightDecay }))
    checkNumber(`optimizer.${name}`, value ?? 0, { min: 0 })
  checkNumber('optimizer.gradClip', gradClip ?? 1, { above: 0 })
  checkInteger('optimizer.warmupSteps', warmupSteps ?? 0, { min: 0 })
  checkOneOf('optimizer.scheduler', scheduler ?? 'constant', ['constant', 'linear', 'cosine'])
  const baselines = ['ema', 'leave-one-out'] as const
  const baseline = checkOneOf('baseline', options.baseline ?? 'ema', baselines)
  const proposerBaseline = checkOneOf('proposerBaseline', options.proposerBaseline ?? 'ema', baselines)
  checkOneOf('kl.control', options.kl?.control ?? 'adaptive', ['adaptive', 'fixed'])
  const { kind = 'continuous', proposer = 'continuous', normalize = 'canonical' } = options.rewards ?? {}
  if (typeof normalize !== 'function') checkOneOf('rewards.normalize', normalize, ['canonical', 'released'])
  if (typeof kind !== 'function') checkOneOf('rewards.kind', kind, ['continuous', 'discrete'])
  if (typeof proposer !== 'function') checkOneOf('rewards.proposer', proposer, ['continuous', 'discrete'])
  const { solver } = options.prompts ?? {}
  if (typeof solver === 'string' && !solver.includes('{question}'))
    throw new EvolmmError(
      'INVALID_OPTION',
      `prompts.solver: must contain {question}, got ${JSON.stringify(solver)}; say where the question goes`,
    )
  if (baseline === 'leave-one-out' && samples < 2) throw aloneWith('baseline', 'samples', 'answer')
  if (proposerBaseline === 'leave-one-out' && batchSize < 2 && freq > 0)
    throw aloneWith('proposerBaseline', 'batchSize', 'image')
}

function aloneWith(baseline: string, option: string, thing: string): EvolmmError {
  return new EvolmmError(
    'INVALID_OPTION',
    `${baseline}: leave-one-out compares each ${thing} with the others and must have ${option} of at least 2, got 1; ` +
      `raise ${option} or use ema`,
  )
}
