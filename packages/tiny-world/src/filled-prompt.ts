import { lettered } from '@evolmm/rewards'
import type { AskedChart } from './step-questions'

/** The prompt that M-STaR makes of such a setting. */
export function filledPrompt(
  template: string,
  { question, options, answer }: Pick<AskedChart, 'question' | 'options' | 'answer'>,
): string {
  const lines = [...lettered(options)].map(([letter, text]) => `(${letter}) ${text}`)
  return template.replace('{question}', [question, ...lines].join('\n')).replace('{answer}', answer)
}
