/** This measurement says how often a model answers right, and how much its answers agree. */
import { groupStatistics, parseAnswer, type Answer } from '@evolmm/rewards'
import type { Adapter, EncodedImage, Prompt, Vlm } from '@evolmm/vlm'
import { drawChart } from './draw-chart'
import type { LabelledPair } from './labelled-pairs'
import type { QuestionKind } from './questions'
import { answerTag } from './warmup-turns'

export const measures = ['greedy', 'sampled', 'voted', 'agreement'] as const
export type Measure = (typeof measures)[number]

/**
 * The measures of one question:
 * - `greedy`: 1 if greedy decoding gives the true answer;
 * - `sampled`: how likely the true answer is when sampling at temperature 1;
 * - `voted`: 1 if most of the samples give it, the first of them deciding a tie;
 * - `agreement`: share of the samples that give the most frequent answer, which needs no labels.
 */
export interface PairAccuracy extends Record<Measure, number> {
  /** Seed of the chart. */
  chart: number
  kind: QuestionKind
}

export interface MeasureAccuracyOptions {
  pairs: readonly LabelledPair[]
  /** @default the model itself */
  adapter?: Adapter | undefined
  /** Answers drawn to each question. @default 5 */
  samples?: number | undefined
  /** The seed of the draws. @default 0 */
  seed?: number | undefined
  /**
   * `sampled` from the score of the answer in its tag and nothing else, free of chance and a little low where a model
   * has other words for it, or from the samples, for a model that writes something before. @default 'score'
   */
  sampledFrom?: 'score' | 'samples' | undefined
  /** Tokens of an answer. @default 32 */
  maxNewTokens?: number | undefined
}

/** Questions in one run. */
const batch = 50

/** One result for each pair, in their order. */
export async function measureAccuracy(vlm: Vlm, options: MeasureAccuracyOptions): Promise<PairAccuracy[]> {
  const { pairs, adapter, samples = 5, seed = 0, sampledFrom = 'score', maxNewTokens = 32 } = options
  const results: PairAccuracy[] = []
  for (let from = 0; from < pairs.length; from += batch) {
    const some = pairs.slice(from, from + batch)
    const prompts = await promptsOf(vlm, some)
    const settings = { prompts, adapter, maxNewTokens }
    const greedy = await vlm.sample({ ...settings, temperature: 0 })
    const seeds = some.map((_, i) => [seed, from + i] as const)
    const drawn = await vlm.sample({ ...settings, samples, seeds })
    const scored = sampledFrom === 'score' ? await trueAnswers(vlm, some, prompts, adapter) : undefined
    for (const [i, { chart, kind, answer }] of some.entries()) {
      const answers = drawn[i].map(({ text }) => said(text))
      const { majority, agreement } = groupStatistics(answers)
      results.push({
        chart: chart.seed,
        kind,
        greedy: said(greedy[i][0].text) === answer ? 1 : 0,
        sampled: scored?.[i] ?? answers.filter((each) => each === answer).length / samples,
        voted: majority === answer ? 1 : 0,
        agreement,
      })
    }
  }
  return results
}

/** Each chart is encoded once. */
async function promptsOf(vlm: Vlm, pairs: readonly LabelledPair[]): Promise<Prompt[]> {
  const images = new Map<number, EncodedImage>()
  const prompts: Prompt[] = []
  for (const { chart, question } of pairs) {
    const image = images.get(chart.seed) ?? (await vlm.encodeImage(await drawChart(chart)))
    images.set(chart.seed, image)
    prompts.push(vlm.prompt({ images: [image], prompt: question }))
  }
  return prompts
}

function said(text: string): Answer {
  return parseAnswer(text).answer
}

/** Probabilities of the true answers. */
async function trueAnswers(
  vlm: Vlm,
  pairs: readonly LabelledPair[],
  prompts: readonly Prompt[],
  adapter: Adapter | undefined,
): Promise<number[]> {
  const { completions } = await vlm.score({
    groups: pairs.map(({ answer }, i) => ({
      prompt: prompts[i],
      completions: [{ ids: Int32Array.from(vlm.tokenizer.encode(`${answerTag(answer)}<|im_end|>`)) }],
    })),
    adapter,
  })
  return completions.map(([{ logProbabilities }]) =>
    Math.exp(logProbabilities.reduce((total, value) => total + value)),
  )
}
