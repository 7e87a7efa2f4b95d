/** Answers to many questions, some questions at a time. */
import {
  asMemoryAllows,
  checkFunction,
  checkInteger,
  checkIterable,
  checkNames,
  checkObject,
} from '@evolmm/internal'
import type { LabelledQuestion } from '@evolmm/dataset'
import { INVALID, verifyAnswer, type ScorerName } from '@evolmm/rewards'
import type { Adapter, Completion, EncodedImage, Prompt, Sampler, SamplingOptions, Seed } from '@evolmm/vlm'
import type { RolledAnswer, Rollout } from './rollout'

export interface NumberedQuestion extends LabelledQuestion {
  /** The number of the question in its data set, from 0. */
  number: number
}

export interface GenerateOptions extends Pick<
  SamplingOptions,
  'temperature' | 'topP' | 'topK' | 'maxNewTokens'
> {
  sampler: Pick<Sampler, 'encodeImage' | 'prompt' | 'sample'>
  /** @default the base model */
  adapter?: Adapter | undefined
  questions: Iterable<NumberedQuestion> | AsyncIterable<NumberedQuestion>
  /** What is asked about a question. */
  promptFor: (question: NumberedQuestion) => string
  /** @default that of the chat template */
  system?: string | undefined
  /** Answers to each question. @default 16 */
  samples?: number | undefined
  /** The seed of a question's answers. */
  seedOf: (question: NumberedQuestion) => Seed
  /** Questions in a run. @default 8 */
  batch?: number | undefined
  /** The rule that compares with the right answers. @default that of `verifyAnswer` */
  scorer?: ScorerName | undefined
}

const generateDefaults = { samples: 16, batch: 8 } as const

const names = {
  sampler: true,
  adapter: true,
  questions: true,
  promptFor: true,
  system: true,
  samples: true,
  seedOf: true,
  batch: true,
  scorer: true,
  temperature: true,
  topP: true,
  topK: true,
  maxNewTokens: true,
} as const

/**
 * The answers of a batch of questions at a time, in the order of the questions; a batch that is too large for the memory is
 * asked in parts. Equal answers are one, with their number. Throws what sampling throws.
 */
export async function* generate(options: GenerateOptions): AsyncGenerator<Rollout[], void, undefined> {
  checkNames('generate', options, names)
  const { sampler, questions, promptFor, seedOf } = options
  checkObject('sampler', sampler, 'encodeImage', 'prompt', 'sample')
  checkIterable('questions', questions)
  checkFunction('promptFor', promptFor)
  checkFunction('seedOf', seedOf)
  checkInteger('samples', options.samples ?? generateDefaults.samples, { min: 1 })
  const size = checkInteger('batch', options.batch ?? generateDefaults.batch, { min: 1 })
  for await (const batch of inBatches(questions, size)) yield await answered(options, batch)
}

async function answered(options: GenerateOptions, batch: readonly NumberedQuestion[]): Promise<Rollout[]> {
  const { sampler, promptFor, system } = options
  const asked: Asked[] = []
  for (const question of batch) {
    const images: EncodedImage[] = []
    for (const image of question.images) images.push(await sampler.encodeImage(image))
    const prompt = sampler.prompt({
      images,
      prompt: promptFor(question),
      ...(system !== undefined && { system }),
    })
    asked.push({ question, prompt })
  }
  const completions = await asMemoryAllows(asked, (part) => sampled(options, part))
  return asked.map(({ question }, i) => ({
    question: question.number,
    answers: distinct(completions[i]).map(({ completion, count }) =>
      rolled(completion, count, question, options),
    ),
  }))
}

interface Asked {
  question: NumberedQuestion
  prompt: Prompt
}

function sampled(options: GenerateOptions, asked: readonly Asked[]): Promise<Completion[][]> {
  const { sampler, adapter, temperature, topP, topK, maxNewTokens, samples, seedOf } = options
  return sampler.sample({
    prompts: asked.map(({ prompt }) => prompt),
    samples: samples ?? generateDefaults.samples,
    seeds: asked.map(({ question }) => seedOf(question)),
    ...{ adapter, temperature, topP, topK, maxNewTokens },
  })
}

function distinct(completions: readonly Completion[]): { completion: Completion; count: number }[] {
  const found = new Map<string, { completion: Completion; count: number }>()
  for (const completion of completions) {
    const key = completion.ids.join()
    const known = found.get(key)
    if (known === undefined) found.set(key, { completion, count: 1 })
    else known.count++
  }
  return [...found.values()]
}

/** An answer that was cut off is no answer, whatever it says so far: it would be learned without an end. */
function rolled(
  { ids, text, logProbabilities, finishReason }: Completion,
  count: number,
  { answers, options }: LabelledQuestion,
  { scorer }: GenerateOptions,
): RolledAnswer {
  const { reading, right } = verifyAnswer(text, { answers, options, scorer })
  const ended = finishReason === 'stop'
  return {
    ...{ ids, text, logProbabilities, count, steps: null },
    reading: ended ? reading : INVALID,
    right: right === null ? null : right && ended,
  }
}

async function* inBatches<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
