/**
 * A labelled question as LLaVA's data sets write it, MathV360K among them: a list `conversations` of what a person and a model
 * say. MathV360K's texts have parts with headings (`Hint:`, `Question:`, `Choices:` with options in brackets), and answers that
 * begin with "The answer is".
 */
import type { DataRow } from '../rows/row-reader'

export interface ConversationQuestion {
  question: string
  answer: string
  options: string[]
}

/** `undefined` where `conversations` does not begin with what a person and then a model say. */
export function conversationQuestion({ conversations }: DataRow): ConversationQuestion | undefined {
  if (!Array.isArray(conversations)) return undefined
  const [asked, answered] = conversations as unknown[]
  const [question, answer] = [said(asked, 'human'), said(answered, 'gpt')]
  if (question === undefined || answer === undefined) return undefined
  const text = question.replaceAll('<image>', '')
  const asks = heading(text, 'Question')
  const body = asks === undefined ? text : text.slice(asks.end)
  const choices = heading(body, 'Choices')
  return {
    question: body.slice(0, choices?.start).trim(),
    answer: bareAnswer(answer),
    options: choices === undefined ? [] : optionsIn(body.slice(choices.end)),
  }
}

/** The first line that begins with a heading. */
function heading(text: string, name: string): { start: number; end: number } | undefined {
  const found = new RegExp(`^[ \\t]*${name}:`, 'm').exec(text)
  return found === null ? undefined : { start: found.index, end: found.index + found[0].length }
}

function said(turn: unknown, who: string): string | undefined {
  const { from, value } = (turn ?? {}) as { from?: unknown; value?: unknown }
  return from === who && typeof value === 'string' ? value : undefined
}

/** The texts behind `(A)`, `(B)` and so on; those that are not in the order of the alphabet are part of the text before. */
function optionsIn(text: string): string[] {
  const options: string[] = []
  for (const line of text.split('\n').map((each) => each.trim())) {
    const [mark = '', letter] = /^\(?([A-Z])[).:]/.exec(line) ?? []
    if (letter === String.fromCharCode(65 + options.length)) options.push(line.slice(mark.length).trim())
    else if (options.length > 0 && line !== '') options.push(`${options.pop()}\n${line}`)
  }
  return options
}

function bareAnswer(text: string): string {
  return text
    .trim()
    .replace(/^the answer is:?\s*/i, '')
    .replace(/(?<=.)\.$/, '')
    .trim()
}
