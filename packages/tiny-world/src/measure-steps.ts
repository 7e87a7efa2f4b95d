/** This measurement says how often a model answers questions of several steps right, and how true its rationales are. */
import { verifyAnswer } from '@evolmm/rewards'
import type { Adapter, EncodedImage, SampleOptions, Vlm } from '@evolmm/vlm'
import { drawChart } from './draw-chart'
import { filledPrompt } from './filled-prompt'
import { isWhollyTrue } from './is-wholly-true'
import { stepQuestionPrompt, stepRationalePrompt } from './step-prompts'
import type { AskedChart, StepKind } from './step-questions'

export interface StepAccuracy {
  /** Seed of the chart. */
  chart: number
  kind: StepKind
  /** 1 if greedy decoding ends in the true answer. */
  greedy: number
  /** Share of the samples that end in it. */
  sampled: number
  /** Share of the samples that are an answer and nothing else. */
  bare: number
  /** Share of the samples all of whose steps are true. */
  proven: number
  /** The same of rationales for the answer that is given: the share that ends in it, and that whose steps are all true. */
  explained: number
  explainedProven: number
}

export interface MeasureStepsOptions {
  asked: readonly AskedChart[]
  /** @default the model itself */
  adapter?: Adapter | undefined
  /** Answers drawn to each question, and rationales. @default 5 */
  samples?: number | undefined
  /** The seed of the draws. @default 0 */
  seed?: number | undefined
  /** Tokens of an answer. @default 48 */
  maxNewTokens?: number | undefined
}

/** Questions in one run. */
const batch = 50

/** One result for each question, in their order. */
export async function measureSteps(
  vlm: Pick<Vlm, 'encodeImage' | 'prompt' | 'sample'>,
  options: MeasureStepsOptions,
): Promise<StepAccuracy[]> {
  const { asked, adapter, samples = 5, seed = 0, maxNewTokens = 48 } = options
  const results: StepAccuracy[] = []
  for (let from = 0; from < asked.length; from += batch) {
    const some = asked.slice(from, from + batch)
    const answersTo = async (
      template: string,
      how: Pick<SampleOptions, 'samples' | 'seeds' | 'temperature'>,
    ) => vlm.sample({ prompts: await promptsOf(vlm, some, template), adapter, maxNewTokens, ...how })
    const drawn = (part: number) => ({ samples, seeds: some.map((_, i) => [seed, part, from + i] as const) })
    const greedy = await answersTo(stepQuestionPrompt, { temperature: 0 })
    const answers = await answersTo(stepQuestionPrompt, drawn(0))
    const explained = await answersTo(stepRationalePrompt, drawn(1))
    for (const [i, about] of some.entries()) {
      const share = (of: readonly { text: string }[], holds: (text: string) => boolean) =>
        of.filter(({ text }) => holds(text)).length / of.length
      const isRight = (text: string) => endsRight(text, about)
      const isProven = (text: string) => isWhollyTrue(text, about)
      results.push({
        ...{ chart: about.chart.seed, kind: about.kind },
        greedy: share(greedy[i], isRight),
        sampled: share(answers[i], isRight),
        bare: share(answers[i], (text) => !text.trim().includes('\n')),
        proven: share(answers[i], isProven),
        explained: share(explained[i], isRight),
        explainedProven: share(explained[i], isProven),
      })
    }
  }
  return results
}

/** Each chart is encoded once. */
async function promptsOf(
  vlm: Pick<Vlm, 'encodeImage' | 'prompt'>,
  asked: readonly AskedChart[],
  template: string,
) {
  const images = new Map<number, EncodedImage>()
  const prompts = []
  for (const about of asked) {
    const image = images.get(about.chart.seed) ?? (await vlm.encodeImage(await drawChart(about.chart)))
    images.set(about.chart.seed, image)
    prompts.push(vlm.prompt({ images: [image], prompt: filledPrompt(template, about) }))
  }
  return prompts
}

function endsRight(text: string, { answer, options }: AskedChart): boolean {
  return verifyAnswer(text, { answers: [answer], options, scorer: 'exact' }).right === true
}
