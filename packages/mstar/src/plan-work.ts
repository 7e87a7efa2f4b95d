/**
 * The work of a run before it is begun: cycles, answers that are drawn, and what lies on disk at its end. How much is learned
 * of what is drawn nobody knows: a share of right answers is assumed. Answers count as different, and as long as they may be.
 */
import { checkInteger, checkNames, checkNumber, checkObject } from '@evolmm/internal'
import { publishedTemperatures } from '@evolmm/rl-core'
import { cycleLength } from './open-questions'
import type { ValuesOf } from '@evolmm/settings'
import type { mstarSettings } from './settings'

export interface PlanWorkOptions {
  settings: ValuesOf<typeof mstarSettings>
  /** The number of questions of each file. */
  questions: number
  /** @default 0 */
  validation?: number | undefined
  /** @default 0 */
  unlabelled?: number | undefined
  /** The share of answers that is right. @default half of them */
  right?: number | undefined
  /** Trained parameters, of which checkpoints are. */
  parameters: number
  /** Weights of the model, which lies at the end where they are trained as a whole. */
  weights: number
  /** Tokens that the model knows: the larger, the longer are their numbers. */
  vocabulary: number
}

export interface PlannedWork {
  /** Cycles that are begun. */
  cycles: number
  /** Answers that are learned in the first cycle. */
  kept: number
  /** The most that a cycle may learn, if all answers are right. */
  most: number
  /** Answers that are drawn, by what they are for. */
  answers: Record<'generate' | 'monitor' | 'sweep', number>
  /** Bytes on disk, by what takes them. */
  disk: Record<'rollouts' | 'monitor' | 'sweep' | 'checkpoints' | 'model' | 'log', number>
  /** The share of right answers that was assumed. */
  right: number
}

const names = {
  settings: true,
  questions: true,
  validation: true,
  unlabelled: true,
  right: true,
  parameters: true,
  weights: true,
  vocabulary: true,
} as const

/** Throws `INVALID_OPTION`. */
export function planWork(options: PlanWorkOptions): PlannedWork {
  checkNames('planWork', options, names)
  checkObject('settings', options.settings)
  for (const name of ['questions', 'parameters', 'weights', 'vocabulary'] as const)
    checkInteger(name, options[name], { min: 1 })
  const validation = checkInteger('validation', options.validation ?? 0, { min: 0 })
  const unlabelled = checkInteger('unlabelled', options.unlabelled ?? 0, { min: 0 })
  const right = checkNumber('right', options.right ?? 0.5, { above: 0, max: 1 })
  const counts = { questions: options.questions, validation, unlabelled, right }
  const { answers, ...rest } = drawn(options.settings, counts)
  return { ...rest, answers, right, disk: diskOf(options, answers) }
}

type Counts = Record<'questions' | 'validation' | 'unlabelled' | 'right', number>

/** The cycles of a run, one after the other. */
function drawn(settings: PlanWorkOptions['settings'], { questions, validation, unlabelled, right }: Counts) {
  const { interval, num_generations: samples, total_steps: total, batch_size: size } = settings
  const isBare = settings.variant === 'sft'
  const swept = Math.min(validation, settings.sweep_questions ?? validation)
  const answers = { generate: 0, monitor: 0, sweep: 0 }
  // A threshold that nobody gives is chosen before the first cycle too, by answers of its own.
  if (settings.selection === 'threshold' && settings.select_alpha === null)
    answers.monitor += validation * samples
  const lessons = (asked: number, share: number) => {
    const all = asked * (isBare ? 1 : keptOf(settings, share))
    return Math.max(1, Math.round(Math.min(all, settings.most_lessons ?? Infinity)))
  }
  let [step, cycles, first, most] = [0, 0, 0, 0]
  while (step < total) {
    cycles++
    if (isSwept(settings, cycles)) answers.sweep += publishedTemperatures.length * swept * samples
    const isMixed = !isBare && step >= settings.unlabelled_from * total
    const asked = cycleLength(questions, interval) + (isMixed ? cycleLength(unlabelled, interval) : 0)
    if (!isBare) answers.generate += asked * samples
    const kept = lessons(asked, right)
    if (cycles === 1) first = kept
    most = Math.max(most, lessons(asked, 1))
    step += Math.ceil(kept / size)
    answers.monitor += validation * (1 + samples)
  }
  return { cycles, kept: first, most, answers }
}

/** Answers that are kept of a question, on average. */
function keptOf(
  { selection, select_k: k, num_generations: samples }: PlanWorkOptions['settings'],
  right: number,
): number {
  const all = right * samples
  return selection === 'top-k' || selection === 'random-k' ? Math.min(k, all) : all
}

function isSwept(
  { adaptive_temperature: isAdaptive, temperature_every: every }: PlanWorkOptions['settings'],
  cycle: number,
): boolean {
  return isAdaptive && cycle > 1 && (cycle - 1) % every === 0
}

/** What a record of a step takes, in the log and for TensorBoard. */
const recordBytes = 2500

function diskOf(
  { settings, parameters, weights, vocabulary }: PlanWorkOptions,
  answers: PlannedWork['answers'],
): PlannedWork['disk'] {
  const { max_new_tokens: tokens, max_checkpoints: checkpoints, reward_model: reward } = settings
  const each = answerBytes({ tokens, vocabulary, isScored: reward !== null })
  return {
    rollouts: answers.generate * each,
    monitor: answers.monitor * each,
    sweep: answers.sweep * each,
    // One is written before the oldest goes. Each has the parameters and two moments.
    checkpoints: (checkpoints + 1) * 12 * parameters,
    model: 4 * (settings.use_lora ? parameters : weights),
    log: settings.total_steps * recordBytes,
  }
}

/** A word of English takes a third more tokens than words, and about six characters. */
const charactersOfToken = 4.5
/** The names of the fields of an answer, its reading, and a step for so many tokens with its score. */
const [fieldBytes, stepTokens, scoreBytes] = [110, 30, 21]

/** What an answer of so many tokens takes in a file of rollouts. */
export function answerBytes({
  tokens,
  vocabulary,
  isScored,
}: {
  tokens: number
  vocabulary: number
  isScored: boolean
}): number {
  const id = Math.ceil(Math.log10(vocabulary)) + 1
  const probability = (4 * 4) / 3
  const scores = isScored ? scoreBytes * Math.ceil(tokens / stepTokens) : 0
  return Math.round(fieldBytes + tokens * (charactersOfToken + id + probability) + scores)
}
