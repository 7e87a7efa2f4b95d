/**
 * What the steps of answers are worth, without anybody's labels of steps: from the end of each step a completer goes on some
 * times, and the share of these that come to the right answer is the value of the step.
 */
import { asMemoryAllows, checkInteger, checkList, checkNames, checkObject } from '@evolmm/internal'
import type { LabelledQuestion } from '@evolmm/dataset'
import { verifyAnswer, type ScorerName } from '@evolmm/rewards'
import {
  continuedPrompt,
  type Adapter,
  type Prompt,
  type Sampler,
  type SamplingOptions,
  type Seed,
} from '@evolmm/vlm'
import type { RolledAnswer } from './rollout'
import type { StepRule } from './split-steps'
import { stepTokens, type TokenReader } from './step-tokens'

export interface LabelStepsOptions extends Pick<
  SamplingOptions,
  'temperature' | 'topP' | 'topK' | 'maxNewTokens'
> {
  /** The completer goes on from the ends of steps. */
  sampler: Pick<Sampler, 'sample'> & { tokenizer: TokenReader }
  /** @default the base model */
  adapter?: Adapter | undefined
  /** The prompt that was answered. */
  prompt: Prompt
  /** What is known to be right. */
  question: Pick<LabelledQuestion, 'answers' | 'options'>
  answers: readonly Pick<RolledAnswer, 'ids' | 'text' | 'right'>[]
  /** What ends a step. @default lines */
  rule?: StepRule | undefined
  /** Completions from the end of each step. @default 8 */
  completions?: number | undefined
  /** The seed of the completions of a step. */
  seedOf: (answer: number, step: number) => Seed
  /** @default that of `verifyAnswer` */
  scorer?: ScorerName | undefined
}

export interface LabelledStep {
  /** The place in the answer's text at which the step ends. */
  end: number
  /** The share of completions that came to the right answer, from 0 to 1. */
  value: number
}

export const labelDefaults = { rule: 'lines', completions: 8 } as const

/**
 * The steps of each answer. The last step of an answer is complete: its value is 1 or 0, and nothing is sampled for it. Throws
 * what sampling throws.
 */
export async function labelSteps(options: LabelStepsOptions): Promise<LabelledStep[][]> {
  checkNames('labelSteps', options, {
    sampler: true,
    adapter: true,
    prompt: true,
    question: true,
    answers: true,
    rule: true,
    completions: true,
    seedOf: true,
    scorer: true,
    temperature: true,
    topP: true,
    topK: true,
    maxNewTokens: true,
  })
  const { sampler, answers, rule = labelDefaults.rule } = options
  checkObject('sampler', sampler, 'sample')
  checkList('answers', answers)
  checkInteger('completions', options.completions ?? labelDefaults.completions, { min: 1 })
  const split = answers.map((answer) => stepTokens(sampler.tokenizer, answer, rule))
  const beginnings = split.flatMap(({ tokens }, a) =>
    tokens.slice(0, -1).map((count, s) => ({ a, s, ids: answers[a].ids.subarray(0, count) })),
  )
  const values = await asMemoryAllows(beginnings, (part) => shares(options, part))
  const valueOf = new Map(beginnings.map(({ a, s }, i) => [`${a} ${s}`, values[i]]))
  return split.map(({ ends }, a) =>
    ends.map((end, s) => ({ end, value: valueOf.get(`${a} ${s}`) ?? Number(answers[a].right === true) })),
  )
}

interface Beginning {
  /** The number of the answer, and of the step in it. */
  a: number
  s: number
  /** The tokens up to the end of the step. */
  ids: Int32Array
}

async function shares(options: LabelStepsOptions, beginnings: readonly Beginning[]): Promise<number[]> {
  if (beginnings.length === 0) return []
  const { sampler, adapter, prompt, seedOf, question, scorer } = options
  const { temperature, topP, topK, maxNewTokens, completions: samples = labelDefaults.completions } = options
  const groups = await sampler.sample({
    prompts: beginnings.map(({ ids }) => continuedPrompt(prompt, ids)),
    samples,
    seeds: beginnings.map(({ a, s }) => seedOf(a, s)),
    ...{ adapter, temperature, topP, topK, maxNewTokens },
  })
  return groups.map((group, i) => {
    const right = group.filter(({ ids, finishReason }) => {
      const text = sampler.tokenizer.decode([...beginnings[i].ids, ...ids], { skipSpecial: true })
      const { answers, options: choices } = question
      return (
        finishReason === 'stop' && verifyAnswer(text, { answers, options: choices, scorer }).right === true
      )
    })
    return right.length / group.length
  })
}
