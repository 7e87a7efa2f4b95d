/**
 * MMMU's official rule for open questions: the tails of sentences after a cue word and all numbers in them, each
 * normalised, against the normalised gold answers. Generous: one matching number among many is enough.
 */
import { parseFloatText, roundPlaces, strip, stripCharacters } from '@evolmm/internal'

const cues = ['could be ', 'so ', 'is ', 'thus ', 'therefore ', 'final ', 'answer ', 'result ']
const lonePunctuation = new Set([':', ',', '.', '!', '?', ';', "'"])

const word = String.raw`[\p{L}\p{N}_]`
/** Matches start where a run of digits starts, which keeps the time linear and changes no result. */
const numbers = [
  // 12,345
  new RegExp(String.raw`-?(?<!${word})\d{1,3}(?:,\d{3})+(?!${word})`, 'gu'),
  // 1.2e-3
  /-?(?<!\d)\d+(?:\.\d+)?[eE][+-]?\d+/gu,
  // 1.5, .5 or 15, unless an exponent, a comma or a digit follows
  new RegExp(String.raw`-?(?:(?<!\d)\d+\.\d+|\.\d+|(?<!\d)\d+(?!${word}))(?![eE][+-]?\d+)(?![,\d])`, 'gu'),
]

/** The different things that an answer may be read as: numbers to two places, and lower-case texts. */
export function parseMmmuOpen(answer: string): (string | number)[] {
  const tails = sentenceTails(stripCharacters(strip(answer), '.').toLowerCase())
  const found = tails.flatMap((tail) => numbers.flatMap((pattern) => tail.match(pattern) ?? []))
  return unique([...tails, ...found].flatMap(normalize))
}

/** True if any reading contains a gold text or equals a gold number. */
export function matchesMmmuOpen(readings: readonly (string | number)[], gold: readonly string[]): boolean {
  const accepted = unique(gold.flatMap(normalize))
  return readings.some((reading) =>
    accepted.some((item) =>
      typeof reading === 'string' && typeof item === 'string' ? reading.includes(item) : reading === item,
    ),
  )
}

function sentenceTails(text: string): string[] {
  const sentences = text.split('\n')
  const tails: string[] = []
  sentences.forEach((sentence, index) => {
    let shortest = ''
    for (const cue of index === sentences.length - 1 ? [...cues, '='] : cues) {
      const at = sentence.lastIndexOf(cue)
      if (at < 0) continue
      const tail = strip(sentence.slice(at + cue.length))
      if (shortest === '' || tail.length < shortest.length) shortest = tail
    }
    if (shortest !== '' && !lonePunctuation.has(shortest)) tails.push(shortest)
  })
  return tails.length > 0 ? tails : [text]
}

function normalize(item: string): (string | number)[] {
  const text = strip(item)
  const number = parseFloatText(text.replaceAll(',', ''))
  if (number !== undefined) return [roundPlaces(number, 2)]
  const lower = text.toLowerCase()
  return Array.from(lower).length === 1 ? [` ${lower}`, `${lower} `] : [lower]
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)]
}
