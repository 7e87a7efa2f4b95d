/** The list of texts that a Python literal such as `['it\'s', "a, b"]` spells; `undefined` where it spells none. */

const escapes: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['\n', ''],
])

/** Items that are numbers or names are handed out as they are written. */
export function parseListLiteral(literal: string): string[] | undefined {
  const text = literal.trim()
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined
  const items: string[] = []
  let at = skipSpace(text, 1)
  while (at < text.length - 1) {
    const item = readItem(text, at)
    if (item === undefined) return undefined
    items.push(item.value)
    at = skipSpace(text, item.end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
    else if (at !== text.length - 1) return undefined
  }
  return items
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (/\s/.test(text.charAt(at))) at++
  return at
}

/** Adjacent strings are one string, as in Python. */
function readItem(text: string, start: number): { value: string; end: number } | undefined {
  const bare = /[^,'"[\](){}\s][^,'"[\](){}]*/y
  bare.lastIndex = start
  const word = bare.exec(text)
  if (word !== null) return { value: word[0].trim(), end: bare.lastIndex }
  let value = ''
  let at = start
  for (;;) {
    const piece = readString(text, at)
    if (piece === undefined) return at === start ? undefined : { value, end: at }
    value += piece.value
    at = skipSpace(text, piece.end)
  }
}

function readString(text: string, start: number): { value: string; end: number } | undefined {
  const quote = text[start]
  if (quote !== "'" && quote !== '"') return undefined
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return { value, end: at + 1 }
    if (text[at] !== '\\') value += text[at]
    else {
      const { character, end } = readEscape(text, at + 1)
      value += character
      at = end - 1
    }
  }
  return undefined
}

function readEscape(text: string, at: number): { character: string; end: number } {
  const coded = /(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3}))/y
  coded.lastIndex = at
  const match = coded.exec(text)
  if (match !== null) {
    const [, two, four, eight, octal] = match as (string | undefined)[]
    const point = octal === undefined ? parseInt(two ?? four ?? eight ?? '', 16) : parseInt(octal, 8)
    if (point <= 0x10ffff) return { character: String.fromCodePoint(point), end: coded.lastIndex }
  }
  const next = text.charAt(at)
  // Python keeps the backslash of an escape that it does not know.
  return {
    character: next === "'" || next === '"' || next === '\\' ? next : (escapes.get(next) ?? `\\${next}`),
    end: at + 1,
  }
}
