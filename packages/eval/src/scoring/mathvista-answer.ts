/**
 * MathVista in three steps: the shortcuts that read an answer without a judge, the normalisation of what was read, and
 * two rules that never need a judge.
 */
import { floatText, parseFloatText, parseIntText, roundPlaces, strip } from '@evolmm/internal'
import { editDistance, inferOption, lettered } from '@evolmm/rewards'

export interface MathVistaRow {
  choices: readonly string[]
  multiChoice: boolean
  answerType: string
  /** Decimals of a float answer; `undefined` where they cannot be used, so that every float answer is wrong. */
  precision: number | undefined
  answer: string
}

/** What needs no judge; `undefined` where lmms-eval asks one. */
export function extractMathVista(answer: string, row: MathVistaRow): string | undefined {
  if (answer === '') return ''
  if (row.multiChoice && row.choices.includes(answer)) return answer
  if (row.answerType === 'integer') return parseIntText(answer)?.toString()
  if (row.answerType === 'float') {
    const value = parseFloatText(answer)
    return value === undefined ? undefined : floatText(value)
  }
  return undefined
}

/** The text that is compared with the right answer; `undefined` for none. */
export function normalizeMathVista(extraction: string, row: MathVistaRow): string | undefined {
  if (row.multiChoice) return nearestChoice(strip(extraction), row.choices)
  if (row.answerType === 'integer') return truncated(extraction)
  if (row.answerType === 'float') {
    const value = parseFloatText(extraction)
    return value === undefined || row.precision === undefined
      ? undefined
      : floatText(roundPlaces(value, row.precision))
  }
  return extraction
}

export function matchesMathVista(normalized: string | undefined, row: MathVistaRow): boolean {
  return normalized !== undefined && strip(normalized) === strip(row.answer)
}

/** VLMEvalKit without a judge. Its "0" is taken for no answer, and lists are never right. */
export function vlmEvalKitMathVista(answer: string, row: MathVistaRow): boolean {
  if (row.multiChoice) {
    const options = lettered(row.choices)
    const letter = inferOption(answer, options)
    return letter !== undefined && options.get(letter) === row.answer
  }
  const read: (text: string) => number | undefined =
    row.answerType === 'integer' ? (text) => toNumber(parseIntText(text)) : parseFloatText
  if (row.answerType !== 'integer' && row.answerType !== 'float') return false
  const [value, right] = [read(answer), read(row.answer)]
  return value !== undefined && value !== 0 && value === right
}

/**
 * Our own reading without a judge: the shortcuts, else the option that the answer names, else its last number or its
 * last list.
 */
export function ruleBasedMathVista(answer: string, row: MathVistaRow): string | undefined {
  const shortcut = extractMathVista(answer, row)
  if (shortcut !== undefined) return shortcut === '' ? undefined : normalizeMathVista(shortcut, row)
  if (row.multiChoice) {
    const options = lettered(row.choices)
    const letter =
      loneLetter(answer) ?? inferOption(answer, options) ?? bracketedLetter(answer, [...options.keys()])
    // A letter beyond the options is what the answer says, and wrong.
    return letter === undefined ? undefined : (options.get(letter) ?? letter)
  }
  if (row.answerType === 'list') {
    const list = answer.match(/\[[^[\]]*\]/g)?.at(-1)
    return list === undefined ? undefined : `[${list.slice(1, -1).split(',').map(strip).join(', ')}]`
  }
  const number = answer
    .replace(/(\d),(?=\d{3}(?!\d))/g, '$1')
    .match(/(?<![\w.])[-+]?(?:\d+(?:\.\d+)?|\.\d+)/g)
    ?.at(-1)
  return number === undefined ? undefined : normalizeMathVista(number, row)
}

/** The letter that the answer is, as in "C", "(C)" and "C.", whether there is such an option or not. */
function loneLetter(answer: string): string | undefined {
  return /^\W{0,3}([A-Z])\W{0,3}$/.exec(answer)?.[1]
}

/** The letter in the last pair of brackets around a choice, as in "(c)". */
function bracketedLetter(answer: string, letters: readonly string[]): string | undefined {
  const letter = answer
    .match(/\([A-Za-z]\)/g)
    ?.at(-1)?.[1]
    .toUpperCase()
  return letter !== undefined && letters.includes(letter) ? letter : undefined
}

/** A letter names its choice; any other text is the choice with the fewest edits, the first of several. */
function nearestChoice(text: string, choices: readonly string[]): string | undefined {
  const read = /\(([a-zA-Z])\)/.exec(text)?.[1].toUpperCase() ?? text
  const named = lettered(choices).get(read)
  if (named !== undefined) return named
  let nearest: string | undefined
  let fewest = Infinity
  for (const choice of choices) {
    const edits = editDistance(read, choice)
    if (edits < fewest) [nearest, fewest] = [choice, edits]
  }
  return nearest
}

/** Python's `int(float(text))`, which rounds towards zero. */
function truncated(text: string): string | undefined {
  const value = parseFloatText(text)
  return value === undefined || !Number.isFinite(value) ? undefined : BigInt(Math.trunc(value)).toString()
}

function toNumber(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
