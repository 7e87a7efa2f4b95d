/**
 * A small measurement to make while a model is trained: some questions, greedily and, if asked for, drawn and blind, as
 * flat numbers that a tracker takes. It reads images and data and changes nothing: no file is written, no seed consumed.
 */
import { checkObject } from '@evolmm/internal'
import { labelledQuestion, type ImageFile, type OpenRowsOptions } from '@evolmm/dataset'
import type { ScorerName } from '@evolmm/rewards'
import { resolve, type GivenOf } from '@evolmm/settings'
import { EvolmmError } from './errors'
import type { Policy } from './ask'
import { diagnose } from './diagnostics/diagnose'
import type { JudgedAnswer } from './diagnostics/vote'
import { taskQuestions, type Question } from './diagnostics/questions'
import { gradeAnswer, questionText } from './labelled-questions'
import { rowRange } from './run/selection'
import { cleanAnswer } from './scoring/clean-answer'
import {
  defaultAnswerTokens,
  probeSettings,
  questionSettings,
  type ProbeSettings,
  type QuestionSettings,
} from './settings'
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

/** The settings by their names, and what no text can say. */
export interface ProbeOptions extends Policy, GivenOf<typeof probeSettings> {
  /** Questions of one's own; or else `task`. */
  items?: readonly ProbeItem[] | undefined
  /** A policy's own way instead: how it is asked an item's question, and what its text says. */
  own?: OwnWay | undefined
  /** A task whose rows are the questions. */
  task?: Task | undefined
  /** The place of the task's data. @default the Hugging Face cache */
  data?: OpenRowsOptions | undefined
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
  /** The number of further ones that could not be asked. Absent where all could. */
  unasked?: number
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
  /** The difference that the images make: `accuracy` minus `blind`. */
  blindGap?: number | null
}

export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  checkObject('options', options)
  const { sampler, adapter, items, own, task, data, signal, ...given } = options
  const settings = resolve(probeSettings, given)
  const { samples, temperature, blind, batch_size } = settings
  const found = await diagnose({
    questions: questionsOf({ items, own, task, data }, settings),
    sampler,
    adapter,
    k: [1, samples].filter((k) => k <= samples && k > 0),
    ...{ samples, temperature, blind, batch_size, signal },
    max_new_tokens: settings.max_new_tokens ?? task?.generation.maxNewTokens ?? defaultAnswerTokens,
  })
  const { questions, known, unasked, greedy, groups, agreement } = found
  const all = groups.at(-1)
  return {
    questions,
    ...(known < questions && { known }),
    ...(unasked !== undefined && { unasked }),
    accuracy: greedy,
    ...(all && { sampled: groups[0].pass, pass: all.pass, majority: all.majority, agreement }),
    ...(found.blind && { blind: found.blind.accuracy, blindGap: found.blind.gap?.difference ?? null }),
  }
}

function questionsOf(
  { items, task, own, data }: Pick<ProbeOptions, 'items' | 'task' | 'own' | 'data'>,
  { limit, seed, scorer }: ProbeSettings,
) {
  if ((items === undefined) === (task === undefined))
    throw new EvolmmError(
      'INVALID_OPTION',
      `items, task: must be one of them, got ${items ? 'both' : 'none'}; pass a list of items or a task`,
      { details: { option: 'items' } },
    )
  if (task) return taskQuestions(task, { limit, seed, data })
  const all = items ?? []
  const settings = resolve(questionSettings, { limit, seed })
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
