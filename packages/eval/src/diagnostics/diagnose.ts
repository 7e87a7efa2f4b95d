/**
 * What self-evolution has to know about a model and some questions: how good it is greedily, how much better its best
 * sample or its vote is (what there is to learn), whether agreement may be trusted as a reward, and how much of all
 * this works without looking at the image.
 *
 * Each question is asked once greedily, `samples` times at `temperature`, and once greedily without its images.
 */
import { checkInteger, checkIterable, checkObject, knownMean } from '@evolmm/internal'
import { resolve, type GivenOf } from '@evolmm/settings'
import { EvolmmError } from '../errors'
import { askEach, isRefusal } from '../ask-each'
import { asker, type Ask, type AskSettings, type Policy, type SampleRequest } from '../ask'
import { questionsAtOnce } from '../question-runs'
import { diagnoseSettings, type DiagnoseSettings } from '../settings'
import { pairedDifference, type PairedDifference } from '../compare/paired-difference'
import { calibration, type Agreement, type Calibration } from './calibration'
import { majorityAtK } from './majority-at-k'
import { passAtK } from './pass-at-k'
import type { Question } from './questions'
import { vote, type JudgedAnswer } from './vote'

/** The settings by their names, and what no text can say. */
export interface DiagnoseOptions extends Policy, GivenOf<typeof diagnoseSettings> {
  questions: Iterable<Question> | AsyncIterable<Question>
  /** Sizes of groups to report. @default 1, 2, 4 … up to `samples` */
  k?: readonly number[] | undefined
  /** Stops between two batches with the signal's reason. */
  signal?: AbortSignal | undefined
  onProgress?: ((questions: number) => void) | undefined
}

export interface Diagnosis {
  questions: number
  /** Questions that could not be asked, an image being too large for memory for instance; absent where all could. */
  unasked?: number | undefined
  /** Questions whose right answer is known; numbers about being right are over these, and null without any. */
  known: number
  /** Share of right greedy answers. */
  greedy: number | null
  /** What groups of some size do, by that size. */
  groups: {
    k: number
    /** Share of groups with at least one right answer. */
    pass: number | null
    /** `pass` minus the greedy accuracy: what sampling finds and the model does not say by itself. */
    passMinusGreedy: number | null
    /** Share of groups whose most frequent answer is right. */
    majority: number | null
  }[]
  /** Mean share of the most frequent of `samples` answers, over all questions; null without samples. */
  agreement: number | null
  /** Does agreement predict being right? */
  calibration: Calibration | null
  /** Absent unless it was asked for. */
  blind?: {
    /** Share of right greedy answers without the images. */
    accuracy: number | null
    /** The difference from blind to sighted, over the same questions. */
    gap: PairedDifference | null
    /** Share of all questions whose greedy answer stays the same without the images. */
    sameAnswer: number
  }
}

interface JudgedQuestion {
  greedy: JudgedAnswer
  drawn: JudgedAnswer[]
  blind: JudgedAnswer | undefined
}

export async function diagnose(options: DiagnoseOptions): Promise<Diagnosis> {
  checkObject('options', options)
  checkIterable('questions', options.questions)
  checkObject('sampler', options.sampler)
  const { sampler, adapter, questions, k, signal, onProgress, ...given } = options
  const settings = resolve(diagnoseSettings, given)
  const { samples } = settings
  const sizes = k ?? powersOfTwo(samples)
  for (const size of sizes) checkInteger('k', size, { min: 1, max: samples })
  const ask = asker({ sampler, adapter }, { automatic: settings.batch_size === null })
  const outcomes: JudgedQuestion[] = []
  const refusals: EvolmmError[] = []
  let batch: Question[] = []
  const finish = async () => {
    signal?.throwIfAborted()
    for (const outcome of await askEach(batch, (part) => askBatch(part, ask, settings)))
      if (isRefusal(outcome)) refusals.push(outcome.refused)
      else outcomes.push(outcome)
    batch = []
    onProgress?.(outcomes.length + refusals.length)
  }
  for await (const question of questions) {
    batch.push(question)
    if (batch.length === (settings.batch_size ?? questionsAtOnce)) await finish()
  }
  if (batch.length > 0) await finish()
  if (outcomes.length === 0 && refusals.length > 0) throw refusals[0]
  if (outcomes.length === 0)
    throw new EvolmmError('INVALID_OPTION', 'questions: must be at least one, got none; pass some', {
      details: { option: 'questions' },
    })
  const summary = summarize(outcomes, sizes, samples)
  return refusals.length === 0 ? summary : { ...summary, unasked: refusals.length }
}

function powersOfTwo(limit: number): number[] {
  const length = limit === 0 ? 0 : Math.floor(Math.log2(limit)) + 1
  return Array.from({ length }, (_, i) => 2 ** i)
}

/** Each question is asked greedily, drawn and blind. */
async function askBatch(
  batch: readonly Question[],
  ask: Ask,
  { samples, temperature, top_p: topP, max_new_tokens: maxNewTokens, blind }: DiagnoseSettings,
): Promise<JudgedQuestion[]> {
  const judged = async (requests: readonly SampleRequest[], settings: Omit<AskSettings, 'maxNewTokens'>) => {
    const groups = await ask(requests, { maxNewTokens, ...settings })
    return Promise.all(groups.map((texts, i) => judgeAll(batch[i], texts)))
  }
  const greedy = await judged(batch, { temperature: 0 })
  const drawn = samples > 0 ? await judged(batch, { temperature, samples, topP }) : batch.map(() => [])
  const unseen = batch.map((question) => ({ ...question, images: [] }))
  const without = blind ? await judged(unseen, { temperature: 0 }) : undefined
  return batch.map((_, i) => ({ greedy: greedy[i][0], drawn: drawn[i], blind: without?.[i][0] }))
}

/** One text after the other: a judge far away is asked at most as many questions at a time as there are in a batch. */
async function judgeAll({ judge }: Question, texts: readonly string[]): Promise<JudgedAnswer[]> {
  const answers: JudgedAnswer[] = []
  for (const text of texts) answers.push(await judge(text))
  return answers
}

function summarize(
  outcomes: readonly JudgedQuestion[],
  sizes: readonly number[],
  samples: number,
): Diagnosis {
  // Of a question whose right answer is known every judged answer says whether it is right.
  const known = outcomes.filter((outcome) =>
    [outcome.greedy, ...outcome.drawn, ...(outcome.blind ? [outcome.blind] : [])].every(
      ({ right }) => right !== null,
    ),
  )
  const votes = samples === 0 ? [] : known.map(({ drawn }) => vote(drawn))
  const greedy = knownMean(known.map((outcome) => worth(outcome.greedy)))
  const agreements: Agreement[] = votes.map(({ agreement, correct }) => ({ agreement, correct }))
  return {
    questions: outcomes.length,
    known: known.length,
    greedy,
    groups: sizes.map((k) => {
      const pass = knownMean(
        known.map(({ drawn }) => passAtK(samples, drawn.filter(({ right }) => right === true).length, k)),
      )
      return {
        k,
        pass,
        passMinusGreedy: pass === null || greedy === null ? null : pass - greedy,
        majority: knownMean(votes.map(({ answers }) => majorityAtK(answers, k))),
      }
    }),
    agreement: samples === 0 ? null : knownMean(outcomes.map(({ drawn }) => vote(drawn).agreement)),
    calibration: votes.length === 0 ? null : calibration(agreements),
    ...(outcomes.some(({ blind }) => blind !== undefined) && { blind: blindness(outcomes, known) }),
  }
}

function blindness(
  outcomes: readonly JudgedQuestion[],
  known: readonly JudgedQuestion[],
): NonNullable<Diagnosis['blind']> {
  const without = known.map(({ blind }) => worth(blind))
  const sighted = known.map(({ greedy }) => worth(greedy))
  const same = outcomes.filter(({ greedy, blind }) => greedy.key !== null && greedy.key === blind?.key)
  return {
    accuracy: knownMean(without),
    gap: known.length === 0 ? null : pairedDifference(without, sighted),
    sameAnswer: same.length / outcomes.length,
  }
}

function worth(answer: JudgedAnswer | undefined): number {
  return answer?.right === true ? 1 : 0
}
