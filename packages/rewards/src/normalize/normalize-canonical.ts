/**
 * The default normaliser: two answers that a careful reader would call the same become the same string.
 *
 * Numbers compare as exact rationals, whatever their spelling. Everything else compares as text without regard to
 * Unicode form, case, articles, surrounding quotes and sentence punctuation. The result is a fixed point: normalising
 * it again changes nothing. Time is linear in the text.
 */
import { checkNames, checkOneOf, stripCharacters } from '@evolmm/internal'
import { INVALID, type Answer, nonEmpty } from '../answer'
import { parseQuantity, type Quantity } from './parse-quantity'
import { multiply, rational, show } from './rational'
import { unwrapLatex } from './unwrap-latex'

export interface CanonicalOptions {
  /** What "5%" equals: 0.05 (`'fraction'`) or 5 (`'number'`). @default 'fraction' */
  percent?: 'fraction' | 'number'
  /** What becomes of a currency's sign; with `drop`, "$5" equals "5". @default 'drop' */
  currency?: 'drop' | 'keep'
  /** `drop` makes "5 km" equal "5". Kept units have one spelling: "5 kilometres" equals "5 km". @default 'drop' */
  units?: 'drop' | 'keep'
}

/** Longer answers are prose: never a number, and nothing that is wrapped in brackets or LaTeX. */
const longestShort = 200

const quotesAndStops = '.,;:!?"\'`*_“”‘’«»„ \t\n\r'
const brackets: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
])
const scaleLetters: ReadonlyMap<string, string> = new Map([
  ['k', 'thousand'],
  ['m', 'million'],
  ['b', 'billion'],
  ['t', 'trillion'],
])

/** The canonical form of an answer; `INVALID` when nothing but punctuation is there. */
export function normalizeCanonical(answer: Answer, options: CanonicalOptions = {}): Answer {
  checkNames('normalizeCanonical', options, { percent: true, currency: true, units: true })
  nonEmpty(answer)
  const settings = {
    percent: checkOneOf('percent', options.percent ?? 'fraction', ['fraction', 'number']),
    currency: checkOneOf('currency', options.currency ?? 'drop', ['drop', 'keep']),
    units: checkOneOf('units', options.units ?? 'drop', ['drop', 'keep']),
  }
  if (answer === INVALID) return INVALID
  // Until nothing changes: one round for most answers, one more for each stacked wrapper.
  for (let text = answer; ;) {
    const next = simplify(text, settings)
    if (next === text) return /[\p{L}\p{N}\p{S}]/u.test(text) ? text : INVALID
    text = next
  }
}

function simplify(text: string, settings: Required<CanonicalOptions>): string {
  const trimmed = trimPunctuation(plainCharacters(text))
  if (trimmed.length > longestShort) return simplifyText(trimmed.toLowerCase())
  const bare = trimPunctuation(unwrapBrackets(unwrapLatex(trimmed)))
  const lower = spellScale(bare).toLowerCase()
  const quantity = parseQuantity(lower.replace(/^(?:the )+/, ''))
  return quantity === undefined ? simplifyText(lower) : showQuantity(quantity, settings)
}

/** NFKC, one kind of minus, one kind of space; "1½" becomes "1 1/2" and not "11/2". */
function plainCharacters(text: string): string {
  return (
    text
      .replace(/(\d)(?=[¼-¾⅐-⅞])/g, '$1 ')
      .replace(/(\d)[\u2009\u202f](?=\d{3}(?!\d))/g, '$1,')
      // "10²" is a power: NFKC alone would make it 102.
      .replace(/(?<=[\p{L}\p{N})])[⁰¹²³⁴-⁹⁺⁻]+/gu, '^$&')
      .normalize('NFKC')
      .replace(/[\u200b-\u200d\u2060\ufeff]/g, '')
      .replace(/[−‐‑]/g, '-')
      .replace(/–(?=\d)/g, '-')
      .replace(/⁄/g, '/')
      .replace(/\s+/g, ' ')
  )
}

/** The text loses quotes, markdown and sentence punctuation at its ends; the point of ".5" stays. */
function trimPunctuation(text: string): string {
  const trimmed = stripCharacters(text, quotesAndStops)
  const before = text.slice(0, text.indexOf(trimmed))
  return /^\d/.test(trimmed) && /(?:^|[^.])\.$/.test(before) ? `.${trimmed}` : trimmed
}

/** "(5)" without its brackets, if the first closes at the very end. */
function unwrapBrackets(text: string): string {
  const close = brackets.get(text[0])
  if (close === undefined || !text.endsWith(close)) return text
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === text[0]) depth++
    else if (text[i] === close && --depth === 0) return i === text.length - 1 ? text.slice(1, -1) : text
  }
  return text
}

/** "10K", "$1.2M" and "5 B" as charts print them, before case is lost: "5m" are metres, "300 K" kelvins. */
function spellScale(text: string): string {
  return text.replace(
    /(?<=\d)(?:[Kk]| ?(?:[MBT]|Mn|[Bb]n))$/,
    (letters) => ` ${scaleLetters.get(letters.trim()[0].toLowerCase()) ?? ''}`,
  )
}

/** "1,200 people" as "1200 people". No "the"; no "a" or "an" before a word that they belong to (so "option a" and "a and b" keep theirs). */
function simplifyText(text: string): string {
  return text
    .replace(/(?<![^ ])the (?=[^ ])/g, '')
    .replace(/(?<![^ ])an? (?!(?:and|or|to|is|vs)(?![^ ]))(?=[a-z0-9])/g, '')
    .replace(/(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])/g, (digits) => digits.replaceAll(',', ''))
    .replace(/ ?, ?/g, ', ')
    .trim()
}

function showQuantity({ value, currency, unit }: Quantity, settings: Required<CanonicalOptions>): string {
  if (unit === '%') {
    return show(settings.percent === 'number' ? value : multiply(value, rational(1n, 100n)))
  }
  const number = show(value)
  if (currency !== undefined) return settings.currency === 'keep' ? currency + number : number
  return unit !== undefined && settings.units === 'keep' ? `${number} ${unit}` : number
}
