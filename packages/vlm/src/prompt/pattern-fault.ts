/**
 * JavaScript's matcher goes back and forth: to repeat what can match in several ways can take exponentially long, each choice
 * in a row multiplies the time, and each further repetition without end does so by the length of the text. Published patterns
 * repeat no such groups, leave 16 ways in an alternative at most, and have two repetitions without end in a row.
 */

const mostWays = 1000

/** A part of a pattern: in how many ways it can match, beside repetitions without end, of which so many are in a row. */
interface Part {
  ways: number
  endless: number
}

/** A group that is being read: its alternatives so far together, and the one that is being read. */
interface Group {
  before: Part
  now: Part
}

/** What a group opens with or alternatives are parted by; or a character, class or closing bracket and how often it is there. */
const signs =
  /(\((?:\?(?:[=!>]|<[=!]|[a-zA-Z-]*:|P?<\w+>))?|\|)|(\\[pP]\{[^}]*\}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|[^])(?:([*+?]|\{\d*,?\d*\})[?+]?)?/g

/** Says what must hold of a pattern that might not be matched in time, or nothing. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.length > 4096) return 'be shorter than 4096 characters'
  if (/\\[1-9k]/.test(pattern)) return 'not refer back'
  const groups: Group[] = [newGroup()]
  for (const [, sign, character, quantifier] of pattern.matchAll(signs) as Iterable<(string | undefined)[]>) {
    const group = groups[groups.length - 1]
    if (sign === '|') endAlternative(group)
    else if (sign !== undefined) groups.push(newGroup())
    else {
      const closed = character === ')' && groups.length > 1 ? groups.pop() : undefined
      if (closed !== undefined) endAlternative(closed)
      const part = closed?.before ?? { ways: 1, endless: 0 }
      const fault = addPart(groups[groups.length - 1].now, part, quantifier ?? '')
      if (fault !== undefined) return fault
    }
  }
  // Brackets that are never closed are refused where the pattern is compiled.
  return undefined
}

function newGroup(): Group {
  return { before: { ways: 0, endless: 0 }, now: { ways: 1, endless: 0 } }
}

function endAlternative({ before, now }: Group): void {
  before.ways += now.ways
  before.endless = Math.max(before.endless, now.endless)
  now.ways = 1
  now.endless = 0
}

/** Adds a part to the alternative that it is in. */
function addPart(alternative: Part, { ways, endless }: Part, quantifier: string): string | undefined {
  const [fewest, most] = timesOf(quantifier)
  if (most > 1 && endless > 0) return 'not repeat what repeats without end'
  if (most === Infinity && ways > 1) return 'not repeat without end what matches in several ways'
  const more = most === Infinity ? 1 : ways === 1 ? most - fewest + 1 : 2 * ways ** most
  alternative.ways *= most === 1 ? ways + 1 - fewest : more
  alternative.endless += most === Infinity ? 1 : endless
  if (alternative.ways > mostWays) return `match in ${mostWays} ways at most, beside repetitions without end`
  if (alternative.endless > 3) return 'repeat without end three times in an alternative at most'
  return undefined
}

function timesOf(quantifier: string): [fewest: number, most: number] {
  if (quantifier === '?') return [0, 1]
  if (quantifier === '*') return [0, Infinity]
  if (quantifier === '+') return [1, Infinity]
  const braces = /^\{(\d+)(,?)(\d*)\}$/.exec(quantifier)
  // No quantifier, or braces that stand for themselves.
  if (braces === null) return [1, 1]
  const [, fewest, comma, most] = braces
  if (comma === '') return [Number(fewest), Number(fewest)]
  return [Number(fewest), most === '' ? Infinity : Number(most)]
}
