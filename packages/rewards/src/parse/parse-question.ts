/** The question in a proposer's output, and everything that is wrong with its form. */
import { checkInteger, checkNames, checkText } from '@evolmm/internal'
import { INVALID } from '../answer'
import { extractTag } from './extract-tag'

export type QuestionFault =
  /** There is no word: nothing was written, or nothing inside the tag. */
  | 'empty'
  | 'missing-question-tag'
  /** The tag is missing or empty. */
  | 'missing-rationale'
  /** One of the two tags comes more than once. */
  | 'repeated-tag'
  /** Words before, between or after the two tags. */
  | 'text-outside-tags'
  /** Another tag, an `<answer>` for instance, or a chat marker within the question. */
  | 'markup'
  | 'too-long'

export interface ParsedQuestion {
  /** The question on one line, or `INVALID` when empty. Present even when it has faults. */
  question: string | typeof INVALID
  rationale: string | typeof INVALID
  /** Empty for an output of the form that the proposer prompt asks for. */
  faults: QuestionFault[]
}

export interface ParseQuestionOptions {
  /** Longest question that is not a fault, in words. @default 60 */
  maxWords?: number
}

/** Text of the first `<question>` tag, else the whole output; line breaks become spaces. */
export function parseQuestion(output: string, options: ParseQuestionOptions = {}): ParsedQuestion {
  checkNames('parseQuestion', options, { maxWords: true })
  checkText('output', output)
  const maxWords = checkInteger('maxWords', options.maxWords ?? 60, { min: 1 })
  const tagged = extractTag(output, 'question')
  const rationale = extractTag(output, 'rationale')
  const question = oneLine(tagged ?? output)

  const faults: QuestionFault[] = []
  if (!/[\p{L}\p{N}]/u.test(question)) faults.push('empty')
  if (tagged === undefined) faults.push('missing-question-tag')
  if (rationale === undefined || rationale === '') faults.push('missing-rationale')
  if (['question', 'rationale'].some((tag) => output.split(`<${tag}>`).length > 2))
    faults.push('repeated-tag')
  if (tagged !== undefined && outside(output) !== '') faults.push('text-outside-tags')
  if (/<[^<>\s]+>/.test(question)) faults.push('markup')
  if (question.split(' ').length > maxWords) faults.push('too-long')
  return { question: question || INVALID, rationale: oneLine(rationale ?? '') || INVALID, faults }
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

/** What is left of the output without its tagged parts. Linear in its length. */
function outside(output: string): string {
  return ['question', 'rationale'].reduce((text, tag) => {
    const [open, close] = [`<${tag}>`, `</${tag}>`]
    let left = ''
    let from = 0
    for (;;) {
      const start = text.indexOf(open, from)
      const end = start < 0 ? -1 : text.indexOf(close, start)
      if (end < 0) return (left + text.slice(from)).trim()
      left += text.slice(from, start)
      from = end + close.length
    }
  }, output)
}
