import { parseStepQuestion, type AskedChart } from './step-questions'
import { stepTruths } from './step-truths'

/** True for an answer with steps before it all of which are true of the chart. */
export function isWhollyTrue(
  text: string,
  { question, chart }: Pick<AskedChart, 'question' | 'chart'>,
): boolean {
  const parsed = parseStepQuestion(question)
  if (parsed === undefined) return false
  const truths = stepTruths(text, parsed, chart)
  return truths.length > 1 && truths.every(({ isTrue }) => isTrue)
}
