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
  const start = parse(source, add, states)(end)
  return (name, spend) => matches(states, start, name, spend)
}

/** The function says whether the whole name matches; `spend` hears of the work, and may throw. */
export type NamePattern = (name: string, spend: (steps: number) => void) => boolean

type State =
  | { kind: 'character'; test: (character: string) => boolean; next: number }
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

function parse(source: string, add: (state: State) => number, states: State[]): Build {
  let at = 0
  const loop = (inner: Build, next: number): number => {
    const split = add({ kind: 'split', next: [] })
    states[split] = { kind: 'split', next: [inner(split), next] }
    return split
  }

  const alternatives = (): Build => {
    const branches = [sequence()]
    while (source[at] === '|') {
      at++
      branches.push(sequence())
    }
    if (branches.length === 1) return branches[0]
    return (next) => add({ kind: 'split', next: branches.map((branch) => branch(next)) })
  }

  const sequence = (): Build => {
    const parts: Build[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated())
    return (next) => parts.reduceRight((after, part) => part(after), next)
  }

  const repeated = (): Build => {
    const inner = atom()
    const counts = quantifier()
    if (counts === undefined) return inner
    const { min, max } = counts
    return (next) => {
      let first = next
      if (max === Infinity) first = loop(inner, next)
      else for (let i = min; i < max; i++) first = add({ kind: 'split', next: [inner(first), next] })
      for (let i = 0; i < min; i++) first = inner(first)
      return first
    }
  }

  const quantifier = (): { min: number; max: number } | undefined => {
    const [text, least, comma, most] = /^(?:[*+?]|\{(\d*)(,?)(\d*)\})/.exec(source.slice(at)) ?? []
    // Braces without a number stand for themselves.
    if (text === undefined || text === '{}' || text === '{,}') return undefined
    at += text.length
    // Shortest first or longest first: the same names match.
    if (source[at] === '?') at++
    if (/[*+?]/.test(source[at] ?? '')) throw new Error('a quantifier follows another')
    if (text === '*') return { min: 0, max: Infinity }
    if (text === '+') return { min: 1, max: Infinity }
    if (text === '?') return { min: 0, max: 1 }
    const min = Number(least)
    const max = comma === '' ? min : most === '' ? Infinity : Number(most)
    if (min > max || min > 1000) throw new Error(`${text} repeats from more to less, or too often`)
    return { min, max }
  }

  const atom = (): Build => {
    const character = source[at++]
    if (character === '(') return group()
    if (character === '[') return one(characterClass())
    if (character === '.') return one(() => true)
    if (character === '^') return (next) => add({ kind: 'begins', next })
    if (character === '$') return (next) => add({ kind: 'ends', next })
    if (character === '\\') return one(escaped())
    if (/[*+?]/.test(character)) throw new Error('a quantifier follows nothing')
    return one((each) => each === character)
  }

  const group = (): Build => {
    if (source[at] === '?') {
      if (!source.startsWith('?:', at)) throw new Error('groups with (? other than (?: are not understood')
      at += 2
    }
    const inner = alternatives()
    if (source[at++] !== ')') throw new Error('a ( has no )')
    return inner
  }

  const one =
    (test: (character: string) => boolean): Build =>
    (next) =>
      add({ kind: 'character', test, next })

  const escaped = (): ((character: string) => boolean) => {
    const character = source[at++] ?? ''
    const set = sets.get(character.toLowerCase())
    if (set !== undefined) return (each) => set.test(each) === (character === character.toLowerCase())
    if (character === '' || /[a-zA-Z0-9]/.test(character)) throw new Error(`\\${character} is not understood`)
    return (each) => each === character
  }

  const characterClass = (): ((character: string) => boolean) => {
    const negated = source[at] === '^'
    if (negated) at++
    const tests: ((character: string) => boolean)[] = []
    for (let first = true; first || source[at] !== ']'; first = false) {
      if (at >= source.length) throw new Error('a [ has no ]')
      const from = source[at++]
      if (from === '\\') tests.push(escaped())
      else if (source[at] === '-' && at + 1 < source.length && source[at + 1] !== ']') {
        const to = source[at + 1]
        if (to === '\\' || from > to) throw new Error(`the range ${from}-${to} is none`)
        tests.push((each) => each >= from && each <= to)
        at += 2
      } else tests.push((each) => each === from)
    }
    at++
    return (each) => tests.some((test) => test(each)) !== negated
  }

  const whole = alternatives()
  if (at < source.length) throw new Error('a ) has no (')
  return whole
}

const sets = new Map([
  ['d', /[0-9]/],
  ['w', /\w/],
  ['s', /\s/],
])
