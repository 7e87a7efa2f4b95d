/**
 * The loop of M-STaR: Generate, then Improve, again and again. A cycle answers its questions, keeps some answers and learns
 * each of them once. What is generated and watched lies on disk, and is not asked again when a run goes on.
 */
import { join } from 'node:path'
import { AdamW, type AdamWState, type ScoredTemperature } from '@evolmm/rl-core'
import { resolve } from '@evolmm/settings'
import { learningSettings, sftSteps, type SftSteps } from '@evolmm/sft'
import type { Vlm } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { AnsweredQuestions } from './kept-places'
import { bareAnswers, keptAnswers, type Lessons } from './lessons'
import { cycleLength, questionsOfCycle, type Questions } from './open-questions'
import { answersOnDisk, policyDigest, type Models } from './policy'
import { phaseProgress, type PhaseProgress, type ProgressListener } from './progress'
import type { DynamicsRecord, MstarRecord } from './record'
import { rationalePrompt } from './question-prompt'
import type { MstarSettings } from './settings'
import { watchedAlpha } from './watched-alpha'
import { chooseTemperature, name, watch, type WatchedDynamics } from './watch'

export interface CyclesOptions extends CycleOptions {
  state: MstarState
}

interface CycleOptions {
  models: Models & { vlm: Pick<Vlm, 'group' | 'gradient'> }
  /** The parameters of the policy before the first cycle. */
  first: Float32Array
  settings: MstarSettings
  questions: Questions
  validation: Questions | undefined
  /** Questions whose answers are not known, or not looked at. */
  unlabelled: Questions | undefined
  /** The folder of the run. */
  folder: string
  signal: AbortSignal
  onProgress?: ProgressListener | undefined
}

/** All that later steps depend on, besides the settings, the first parameters and what lies on disk. */
export interface MstarState {
  /** Optimizer steps that are done. */
  step: number
  /** Cycles that are done, and steps of the one that has begun. */
  cycle: number
  cycleStep: number
  /** The temperature of the cycle that has begun, or of the latest. */
  temperature: number
  /** The threshold of the cycle that has begun, or of the latest; null where none counts. */
  alpha: number | null
  /** What the cycle's answers were written by. */
  writer: string
  optimizer: AdamWState
}

export interface Cycles extends AsyncIterable<MstarRecord> {
  /** The state after the latest record. Throws while a record is being made. */
  readonly state: MstarState
}

/** Cycles of which nothing was learned, after which a run ends. */
const fruitless = 3

export function cycles({ state: begun, ...options }: CyclesOptions): Cycles {
  const { models, settings, signal, validation } = options
  const { total_steps: total, batch_size: size } = settings
  // What is begun with goes when the first step is done: no closure holds it.
  let state = begun
  const isStopped = () => signal.aborted
  // Parameters have moved, and the record that says so is not out yet.
  let between = false

  async function* cycle(number: number): AsyncGenerator<MstarRecord> {
    const opened = await openCycle(options, state, number)
    if (opened === undefined) return
    const { lessons, temperature, alpha, writer, close } = opened
    try {
      const batches = Math.ceil(lessons.length / size)
      const steps = openSteps(options, state, batches)
      const learned = learnProgress(options, { cycle: number, batches, state })
      for (let b = state.cycleStep; b < batches && state.step < total; b++) {
        const isLast = b === batches - 1 || state.step + 1 === total
        const record = await steps.next(await lessons.some(b * size, (b + 1) * size))
        if (record === undefined) return
        between = true
        learned.add(1)
        const start = performance.now()
        const { folder, onProgress } = options
        const watched = { models, settings, folder, cycle: number, temperature, onProgress }
        const found = isLast && validation !== undefined ? await watch({ ...watched, validation }) : null
        const monitor = (performance.now() - start) / 1000
        state = {
          step: state.step + 1,
          cycle: isLast ? number : number - 1,
          cycleStep: isLast ? 0 : b + 1,
          ...{ temperature, alpha, writer, optimizer: steps.state.optimizer },
        }
        between = false
        yield {
          ...record,
          ...{ step: state.step, cycle: number, temperature, alpha },
          generated: b === 0 ? lessons.generated : null,
          examples: b === 0 ? lessons.examples : null,
          sweep: b === 0 ? opened.sweep : null,
          dynamics: found && dynamicsRecord(found),
          phases: { ...(b === 0 ? opened.phases : { generate: 0, sweep: 0 }), monitor },
        }
        if (isStopped()) return
      }
    } finally {
      await close()
    }
  }

  return {
    get state() {
      if (between) throw new Error('internal: the state is between two records')
      return state
    },
    async *[Symbol.asyncIterator]() {
      let empty = 0
      while (state.step < total && !isStopped()) {
        const before = state.step
        const number = state.cycle + 1
        yield* cycle(number)
        if (isStopped()) return
        empty = state.step === before ? empty + 1 : 0
        if (empty === fruitless) throw nothingKept(number)
        if (empty > 0) state = { ...state, cycle: number, cycleStep: 0 }
      }
    },
  }
}

/** Steps that a cycle has, those that were taken before a run went on among them. */
function learnProgress(
  { settings, onProgress }: CycleOptions,
  { cycle, batches, state: { step, cycleStep } }: { cycle: number; batches: number; state: MstarState },
): PhaseProgress {
  const total = Math.min(batches, cycleStep + settings.total_steps - step)
  const progress = phaseProgress({ phase: 'learn', cycle, total }, onProgress)
  progress.skip(cycleStep)
  return progress
}

interface OpenedCycle {
  lessons: Lessons
  temperature: number
  alpha: number | null
  writer: string
  sweep: readonly ScoredTemperature[] | null
  phases: { generate: number; sweep: number }
  close: () => Promise<void>
}

/** What a cycle learns; `undefined` where a signal came before all answers were there. */
async function openCycle(
  options: CycleOptions,
  state: MstarState,
  cycle: number,
): Promise<OpenedCycle | undefined> {
  const { models, settings, questions } = options
  const isBegun = state.cycleStep > 0
  const clock = stopwatch()
  const alpha = isBegun ? state.alpha : await nextAlpha(options, state, cycle)
  const { temperature, sweep } = isBegun
    ? { temperature: state.temperature, sweep: null }
    : await nextTemperature(options, state, cycle)
  const writer = isBegun ? state.writer : policyDigest(models)
  const swept = clock()
  const place = { settings, cycle }
  if (settings.variant === 'sft') {
    const lessons = await bareAnswers(numbersOf(questions, place), questions, place)
    const close = () => Promise.resolve()
    return { lessons, temperature, alpha, writer, sweep, phases: { sweep: swept, generate: 0 }, close }
  }
  const sources: AnsweredQuestions[] = []
  const asks = askedIn(options, state)
  const progress = isBegun ? undefined : generateProgress(options, asks, cycle)
  const close = async () => {
    for (const { rollouts } of sources) await rollouts.close()
  }
  for (const asked of asks) {
    const source = await cycleAnswers(options, { ...asked, cycle, temperature, writer, isBegun, progress })
    if (source !== undefined) sources.push(source)
    if (source !== undefined && !options.signal.aborted) continue
    await close()
    return undefined
  }
  const lessons = await keptAnswers(sources, { ...place, alpha })
  return { lessons, temperature, alpha, writer, sweep, close, phases: { sweep: swept, generate: clock() } }
}

/** Answers to the questions of all files of a cycle. */
function generateProgress(
  { settings, onProgress }: CycleOptions,
  asks: readonly AskedQuestions[],
  cycle: number,
): PhaseProgress {
  const lengths = asks.map(({ questions }) => cycleLength(questions.length, settings.interval))
  const total = settings.num_generations * lengths.reduce((sum, length) => sum + length, 0)
  return phaseProgress({ phase: 'generate', cycle, total }, onProgress)
}

interface AskedQuestions {
  questions: Questions
  /** The end of the name of the file of answers. */
  ending: string
  isVoted: boolean
}

/** The files of questions of a cycle. Those without answers come in when a share of the steps is done. */
function askedIn(
  { settings, questions, unlabelled }: CycleOptions,
  { step, cycleStep }: MstarState,
): AskedQuestions[] {
  const { unlabelled_from: from, total_steps: total, oracle } = settings
  const isMixed = unlabelled !== undefined && step - cycleStep >= from * total
  return [
    { questions, ending: '', isVoted: false },
    ...(isMixed ? [{ questions: unlabelled, ending: '_unlabelled', isVoted: !oracle }] : []),
  ]
}

function numbersOf(
  { length }: Questions,
  { settings: { interval, seed }, cycle }: { settings: MstarSettings; cycle: number },
): number[] {
  return questionsOfCycle(cycle, { length, interval, seed })
}

/** It is as given, or chosen on validation answers at the temperature that they have for watching. */
async function nextAlpha(
  { models, settings, validation, folder, onProgress }: CycleOptions,
  { temperature }: MstarState,
  cycle: number,
): Promise<number | null> {
  const { selection, variant, select_alpha: given } = settings
  if (selection !== 'threshold' || variant === 'sft') return null
  if (given !== null || validation === undefined) return given
  return watchedAlpha({ models, settings, validation, folder, cycle: cycle - 1, temperature, onProgress })
}

/** Every `temperature_every` cycles it is chosen anew. */
async function nextTemperature(
  { models, settings, validation, folder, onProgress }: CycleOptions,
  { temperature }: MstarState,
  cycle: number,
): Promise<{ temperature: number; sweep: readonly ScoredTemperature[] | null }> {
  const { adaptive_temperature: isAdaptive, temperature_every: every } = settings
  const isDue = isAdaptive && cycle > 1 && (cycle - 1) % every === 0
  if (!isDue || validation === undefined) return { temperature, sweep: null }
  const chosen = await chooseTemperature({
    models,
    settings,
    validation,
    folder,
    cycle: cycle - 1,
    temperature,
    onProgress,
  })
  return { temperature: chosen.temperature, sweep: chosen.scores }
}

/** The answers of a cycle that has begun must be there: the policy that wrote them has moved on. */
async function cycleAnswers(
  { models, settings, folder, signal }: CycleOptions,
  wanted: AskedQuestions & {
    cycle: number
    temperature: number
    writer: string
    isBegun: boolean
    progress: PhaseProgress | undefined
  },
): Promise<AnsweredQuestions | undefined> {
  const { questions, ending, isVoted, cycle, temperature, writer, isBegun, progress } = wanted
  const numbers = numbersOf(questions, { settings, cycle })
  const samples = settings.num_generations
  const rollouts = await answersOnDisk(models, settings, {
    file: join(folder, 'rollouts', `${name(cycle)}${ending}.jsonl`),
    ...{ questions, numbers, samples, temperature, signal, progress },
    head: { cycle, policy: writer, temperature, samples, questions: numbers.length },
    seed: [settings.seed, cycle, ending === '' ? 0 : 1],
    mustBeThere: isBegun,
    ...(settings.give_answers && { promptFor: rationalePrompt(settings) }),
  })
  return rollouts && { rollouts, questions, isVoted }
}

/** The optimizer goes on, or begins anew with each cycle, as its rate does; weights go on, or are the first again. */
function openSteps({ models, first, settings }: CycleOptions, state: MstarState, batches: number): SftSteps {
  const { vlm, policy } = models
  const goesOn = settings.variant === 'continuous' || settings.variant === 'sft'
  const begins = state.cycleStep === 0
  const total = goesOn ? settings.total_steps : Math.max(1, batches)
  const size = policy.parameters.length
  const parameters = settings.variant === 'restem' && begins ? first : policy.parameters
  return sftSteps({
    ...{ vlm, adapter: policy },
    settings: learningOf(settings, total),
    state: {
      step: goesOn ? state.step : state.cycleStep,
      parameters,
      optimizer: goesOn || !begins ? state.optimizer : new AdamW({ size }).state,
    },
  })
}

function learningOf(settings: MstarSettings, total: number) {
  const { batch_size, micro_batch_size, lr, lr_scheduler, weight_decay, beta1, beta2, grad_clip } = settings
  return resolve(learningSettings, {
    ...{ batch_size, micro_batch_size, lr, lr_scheduler, weight_decay, beta1, beta2, grad_clip },
    total_steps: total,
    warmup_steps: Math.round(settings.warmup_ratio * total),
    min_lr: 0,
    seed: settings.seed,
    average: 'token',
    gradient_checkpointing: settings.gradient_checkpointing,
  })
}

function dynamicsRecord(watched: WatchedDynamics): DynamicsRecord {
  const { pass, rewardPass2, weightedMajority, samplerGap = null, ...rest } = watched
  const known = (value: number) => (Number.isNaN(value) ? null : value)
  return {
    ...{ ...rest, samplerGap },
    pass: Object.fromEntries(pass),
    rewardPass2: known(rewardPass2),
    weightedMajority: known(weightedMajority),
  }
}

function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const seconds = (now - last) / 1000
    last = now
    return seconds
  }
}

function nothingKept(cycle: number): EvolmmError {
  return new EvolmmError(
    'NOTHING_KEPT',
    `cycle ${cycle}: must keep some answers, got none in ${fruitless} cycles; begin with a model that answers some questions right in the form that is asked for, or raise num_generations`,
    { details: { cycle } },
  )
}
