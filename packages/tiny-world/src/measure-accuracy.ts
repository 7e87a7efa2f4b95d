/**
 * How often a model answers right, in two ways: **greedy**, whether greedy decoding gives the true answer; **sampled**,
 * the exact probability of the true answer in its usual form when sampling at temperature 1, by scoring that completion
 * instead of drawing some. Other texts with the same answer do not count as sampled, so it errs on the low side.
 */
import { parseAnswer } from '@evolmm/rewards'
import type { Adapter, EncodedImage, Vlm } from '@evolmm/vlm'
import { drawChart } from './draw-chart'
import type { LabelledPair } from './labelled-pairs'
import type { QuestionKind } from './questions'
import { answerTag } from './warmup-turns'

export interface PairAccuracy {
  kind: QuestionKind
  /** 1 if the greedy answer is true, else 0. */
  greedy: number
  /** Probability of the true answer. */
  sampled: number
}

export interface MeasureAccuracyOptions {
  pairs: readonly LabelledPair[]
  /** @default the model itself */
  adapter?: Adapter | undefined
  /** Questions in one run. @default 50 */
  batch?: number
}

/** One result for each pair, in their order. */
export async function measureAccuracy(vlm: Vlm, options: MeasureAccuracyOptions): Promise<PairAccuracy[]> {
  const { pairs, adapter, batch = 50 } = options
  const results: PairAccuracy[] = []
  for (let from = 0; from < pairs.length; from += batch) {
    const some = pairs.slice(from, from + batch)
    const images = await encoded(vlm, some)
    const prompts = some.map(({ chart, question }) =>
      vlm.prompt({ images: [images.get(chart.seed) as EncodedImage], prompt: question }),
    )
    const greedy = await vlm.sample({ prompts, adapter, temperature: 0, maxNewTokens: 24 })
    const { completions } = await vlm.score({
      groups: some.map(({ answer }, i) => ({
        prompt: prompts[i],
        completions: [{ ids: Int32Array.from(vlm.tokenizer.encode(`${answerTag(answer)}<|im_end|>`)) }],
      })),
      adapter,
    })
    for (const [i, { kind, answer }] of some.entries()) {
      const sum = completions[i][0].logProbabilities.reduce((total, value) => total + value)
      const said = parseAnswer(greedy[i][0].text, { untagged: 'invalid' }).answer
      results.push({ kind, greedy: said === answer ? 1 : 0, sampled: Math.exp(sum) })
    }
  }
  return results
}

async function encoded(vlm: Vlm, pairs: readonly LabelledPair[]): Promise<Map<number, EncodedImage>> {
  const images = new Map<number, EncodedImage>()
  for (const { chart } of pairs)
    if (!images.has(chart.seed)) images.set(chart.seed, await vlm.encodeImage(await drawChart(chart)))
  return images
}

export interface MeanAccuracy {
  /** Questions. */
  count: number
  greedy: Estimate
  sampled: Estimate
}

export interface Estimate {
  mean: number
  /** Half of the 95 % interval: the normal one for a mean. */
  margin: number
}

/** Over all pairs, and over those of each kind that occurs. */
export function summarizeAccuracy(results: readonly PairAccuracy[]): {
  all: MeanAccuracy
  kinds: Partial<Record<QuestionKind, MeanAccuracy>>
} {
  const kinds = [...new Set(results.map(({ kind }) => kind))].sort()
  return {
    all: meanAccuracy(results),
    kinds: Object.fromEntries(
      kinds.map((kind) => [kind, meanAccuracy(results.filter((result) => result.kind === kind))]),
    ),
  }
}

function meanAccuracy(results: readonly PairAccuracy[]): MeanAccuracy {
  return {
    count: results.length,
    greedy: estimate(results.map(({ greedy }) => greedy)),
    sampled: estimate(results.map(({ sampled }) => sampled)),
  }
}

function estimate(values: readonly number[]): Estimate {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance =
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1)
  return { mean, margin: 1.96 * Math.sqrt(variance / values.length) }
}
