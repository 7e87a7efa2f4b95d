/**
 * A small measurement to make while a model is trained: some questions, greedily and, if asked for, drawn and blind, as
 * flat numbers that a tracker takes. It reads images and data and changes nothing: no file is written, no seed consumed.
 */
import { checkInteger, checkOneOf } from '@evolmm/internal'
import { labelledQuestion, type ImageFile, type OpenRowsOptions } from '@evolmm/dataset'
import { scorerNames, type ScorerName } from '@evolmm/rewards'
import { resolve } from '@evolmm/settings'
import { EvolmmError } from './errors'
import type { Policy } from './ask'
import { diagnose } from './diagnostics/diagnose'
import type { JudgedAnswer } from './diagnostics/vote'
import { taskQuestions, type Question } from './diagnostics/questions'
import { gradeAnswer, questionText } from './labelled-questions'
import { rowRange } from './run/plan'
import { cleanAnswer } from './scoring/clean-answer'
import { questionSettings, type QuestionSettings } from './settings'
import type { Task } from './task'

/** A labelled question, in the fields that `labelledQuestion` of `@evolmm/dataset` reads. */
export interface ProbeItem {
  question: string
  /** The bytes of an image file, or its path; or several. */
  image?: ImageFile | readonly ImageFile[] | undefined
  images?: readonly ImageFile[] | undefined
  /** The right one, or several. @default nobody knows it */
  answer?: string | number | readonly (string | number)[] | null | undefined
  answers?: readonly (string | number)[] | null | undefined
  /** The options to choose from. @default none */
  options?: readonly string[] | undefined
}

export interface ProbeOptions extends Policy {
  /** Questions of one's own; or else `task`. */
  items?: readonly ProbeItem[] | undefined
  /** The rule that scores items. @default 'exact' */
  scorer?: ScorerName | undefined
  /** A policy's own way instead: how it is asked an item's question, and what its text says. */
  own?: OwnWay | undefined
  /** A task whose rows are the questions. */
  task?: Task | undefined
  /** The place of the task's data. @default the Hugging Face cache */
  data?: OpenRowsOptions | undefined
  /** Items or rows; below 1 a share of them. @default all */
  limit?: number | undefined
  /** Answers drawn to each; 0 for none. @default 0 */
  samples?: number | undefined
  /** The temperature of the drawn answers. @default 1 */
  temperature?: number | undefined
  /** Ask greedily without images too. @default false */
  blind?: boolean | undefined
  /** Tokens. @default the task's; 64 for items */
  maxNewTokens?: number | undefined
  /** Questions at a time. @default 1 */
  batchSize?: number | undefined
  /** The seed of the drawn answers: the same seed asks the same way at every step. @default 0 */
  seed?: number | undefined
  /** Stops between two batches with the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface OwnWay {
  prompt: (question: string) => string
  /** @default the model's */
  system?: string | undefined
  /** `answers` are the right ones; null when nobody knows. */
  judge: (text: string, answers: readonly string[] | null) => JudgedAnswer
}

/** Numbers about being right are over the questions whose right answer is known, and null without any. */
export interface ProbeResult {
  questions: number
  /** The number of those whose right answer is known. Absent where all have one. */
  known?: number
  /** Share of right greedy answers. */
  accuracy: number | null
  /** Share of right drawn answers. Absent without `samples`, as the next three. */
  sampled?: number | null
  /** Share of questions with a right one among the drawn answers. */
  pass?: number | null
  /** Share of questions whose most frequent drawn answer is right. */
  majority?: number | null
  /** Mean share of the most frequent of the drawn answers. */
  agreement?: number | null
  /** Share of right greedy answers without the images. Absent without `blind`, as the next. */
  blind?: number | null
  /** `accuracy` minus `blind`. */
  blindGap?: number | null
}

export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  const { sampler, adapter, task, temperature, blind = false, batchSize, signal } = options
  const samples = checkInteger('samples', options.samples ?? 0, { min: 0 })
  const found = await diagnose({
    questions: questionsOf(options),
    sampler,
    adapter,
    samples,
    k: [1, samples].filter((k) => k <= samples && k > 0),
    temperature,
    blind,
    maxNewTokens: options.maxNewTokens ?? task?.generation.maxNewTokens ?? 64,
    batchSize,
    signal,
  })
  const { questions, known, greedy, groups, agreement } = found
  const all = groups.at(-1)
  return {
    questions,
    ...(known < questions && { known }),
    accuracy: greedy,
    ...(all && { sampled: groups[0].pass, pass: all.pass, majority: all.majority, agreement }),
    ...(found.blind && { blind: found.blind.accuracy, blindGap: found.blind.gap?.difference ?? null }),
  }
}

function questionsOf({ items, task, limit, scorer = 'exact', own, seed, data }: ProbeOptions) {
  if ((items === undefined) === (task === undefined))
    throw new EvolmmError(
      'INVALID_OPTION',
      `items, task: must be one of them, got ${items ? 'both' : 'none'}; pass a list of items or a task`,
      { details: { option: 'items' } },
    )
  if (task) return taskQuestions(task, { limit, seed, data })
  const all = items ?? []
  const settings = resolve(questionSettings, { limit, seed })
  checkOneOf('scorer', scorer, scorerNames)
  return all
    .slice(0, rowRange(all.length, settings).end)
    .map((item, index) => itemQuestion(item, own ?? scorer, { settings, index }))
}

function itemQuestion(
  item: ProbeItem,
  way: ScorerName | OwnWay,
  { settings, index }: { settings: QuestionSettings; index: number },
): Question {
  const row = { ...item, answer: item.answer ?? item.answers ?? null }
  const question = labelledQuestion(row, { place: `items[${index}]` })
  const { images, answers } = question
  const seed = [settings.seed, index]
  if (typeof way === 'object')
    return {
      prompt: way.prompt(question.question),
      images,
      seed,
      system: way.system,
      judge: (text) => way.judge(text, answers),
    }
  return {
    prompt: questionText(question, way),
    images,
    seed,
    system: settings.system_prompt,
    judge: (text) => {
      const { value, parsed } = gradeAnswer(cleanAnswer(text, { mode: 'fixed' }), question, way)
      return { key: parsed, right: value === null ? null : value >= 0.5 }
    },
  }
}
