/**
 * Regular expressions over module names, as adapters bring them: the part of Python's syntax that says which names are
 * meant. They come from whoever made the adapter, so they are matched in time linear in the name, all ways at once,
 * where a backtracking matcher can take for ever.
 */

/** Throws an `Error` for a pattern that is none, that has more to it (looking around, references), or is too large. */
export function namePattern(source: string): NamePattern {
  if (source.length > 1000) throw new Error('it is longer than 1000 characters')
  const states: State[] = []
  const add = (state: State): number => {
    if (states.length === 64 * (source.length + 2)) throw new Error('it repeats too much')
    return states.push(state) - 1
  }
  const end = add({ kind: 'end-of-match' })
  const start = parse({ source, at: 0, add, states })(end)
  return (name, spend) => matches(states, start, name, spend)
}

/** The function says whether the whole name matches; `spend` hears of the work, and may throw. */
export type NamePattern = (name: string, spend: (steps: number) => void) => boolean

type Test = (character: string) => boolean

type State =
  | { kind: 'character'; test: Test; next: number }
  | { kind: 'split'; next: readonly number[] }
  | { kind: 'begins' | 'ends'; next: number }
  | { kind: 'end-of-match' }

/** Adds states that go on to state `next`, and returns the first of them. */
type Build = (next: number) => number

function matches(states: readonly State[], start: number, name: string, spend: (n: number) => void): boolean {
  let active: number[] = [start]
  for (let at = 0; ; at++) {
    // What can be reached without a character.
    const seen = new Set(active)
    for (const index of seen) {
      const state = states[index]
      if (state.kind === 'split') for (const next of state.next) seen.add(next)
      if ((state.kind === 'begins' && at === 0) || (state.kind === 'ends' && at === name.length))
        seen.add(state.next)
    }
    spend(seen.size)
    if (at === name.length) return [...seen].some((index) => states[index].kind === 'end-of-match')
    active = []
    for (const index of seen) {
      const state = states[index]
      if (state.kind === 'character' && state.test(name[at])) active.push(state.next)
    }
    if (active.length === 0) return false
  }
}

/** A pattern that is being read: what is left of it, and where its states go. */
interface Reader {
  readonly source: string
  at: number
  readonly add: (state: State) => number
  readonly states: State[]
}

function parse(reader: Reader): Build {
  const whole = alternatives(reader)
  if (reader.at < reader.source.length) throw new Error('a ) has no (')
  return whole
}

function alternatives(reader: Reader): Build {
  const branches = [sequence(reader)]
  while (reader.source[reader.at] === '|') {
    reader.at++
    branches.push(sequence(reader))
  }
  if (branches.length === 1) return branches[0]
  return (next) => reader.add({ kind: 'split', next: branches.map((branch) => branch(next)) })
}

function sequence(reader: Reader): Build {
  const { source } = reader
  const parts: Build[] = []
  while (reader.at < source.length && source[reader.at] !== '|' && source[reader.at] !== ')')
    parts.push(repeated(reader))
  return (next) => parts.reduceRight((after, part) => part(after), next)
}

function repeated(reader: Reader): Build {
  const { add, states } = reader
  const inner = atom(reader)
  const counts = quantifier(reader)
  if (counts === undefined) return inner
  const { min, max } = counts
  const loop = (next: number): number => {
    const split = add({ kind: 'split', next: [] })
    states[split] = { kind: 'split', next: [inner(split), next] }
    return split
  }
  return (next) => {
    let first = next
    if (max === Infinity) first = loop(next)
    else for (let i = min; i < max; i++) first = add({ kind: 'split', next: [inner(first), next] })
    for (let i = 0; i < min; i++) first = inner(first)
    return first
  }
}

function quantifier(reader: Reader): { min: number; max: number } | undefined {
  const { source } = reader
  const [text, least, comma, most] = /^(?:[*+?]|\{(\d*)(,?)(\d*)\})/.exec(source.slice(reader.at)) ?? []
  // Braces without a number stand for themselves.
  if (text === undefined || text === '{}' || text === '{,}') return undefined
  reader.at += text.length
  // Shortest first or longest first: the same names match.
  if (source[reader.at] === '?') reader.at++
  if (/[*+?]/.test(source[reader.at] ?? '')) throw new Error('a quantifier follows another')
  if (text === '*') return { min: 0, max: Infinity }
  if (text === '+') return { min: 1, max: Infinity }
  if (text === '?') return { min: 0, max: 1 }
  const min = Number(least)
  const max = comma === '' ? min : most === '' ? Infinity : Number(most)
  if (min > max || min > 1000) throw new Error(`${text} repeats from more to less, or too often`)
  return { min, max }
}

function atom(reader: Reader): Build {
  const { source, add } = reader
  const one =
    (test: Test): Build =>
    (next) =>
      add({ kind: 'character', test, next })

  const character = source[reader.at++]
  if (character === '(') return group(reader)
  if (character === '[') return one(characterClass(reader))
  if (character === '.') return one(() => true)
  if (character === '^') return (next) => add({ kind: 'begins', next })
  if (character === '$') return (next) => add({ kind: 'ends', next })
  if (character === '\\') return one(escaped(reader))
  if (/[*+?]/.test(character)) throw new Error('a quantifier follows nothing')
  return one((each) => each === character)
}

function group(reader: Reader): Build {
  const { source } = reader
  if (source[reader.at] === '?') {
    if (!source.startsWith('?:', reader.at))
      throw new Error('groups with (? other than (?: are not understood')
    reader.at += 2
  }
  const inner = alternatives(reader)
  if (source[reader.at++] !== ')') throw new Error('a ( has no )')
  return inner
}

function escaped(reader: Reader): Test {
  const { source } = reader
  const character = source[reader.at++] ?? ''
  const set = sets.get(character.toLowerCase())
  if (set !== undefined) return (each) => set.test(each) === (character === character.toLowerCase())
  if (character === '' || /[a-zA-Z0-9]/.test(character)) throw new Error(`\\${character} is not understood`)
  return (each) => each === character
}

function characterClass(reader: Reader): Test {
  const { source } = reader
  const negated = source[reader.at] === '^'
  if (negated) reader.at++
  const tests: Test[] = []
  for (let first = true; first || source[reader.at] !== ']'; first = false) {
    if (reader.at >= source.length) throw new Error('a [ has no ]')
    const from = source[reader.at++]
    if (from === '\\') tests.push(escaped(reader))
    else if (source[reader.at] === '-' && reader.at + 1 < source.length && source[reader.at + 1] !== ']') {
      const to = source[reader.at + 1]
      if (to === '\\' || from > to) throw new Error(`the range ${from}-${to} is none`)
      tests.push((each) => each >= from && each <= to)
      reader.at += 2
    } else tests.push((each) => each === from)
  }
  reader.at++
  return (each) => tests.some((test) => test(each)) !== negated
}

const sets = new Map([
  ['d', /[0-9]/],
  ['w', /\w/],
  ['s', /\s/],
])
