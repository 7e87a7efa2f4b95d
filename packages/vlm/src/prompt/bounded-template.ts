/**
 * A template comes with a checkpoint, from whoever made it: it must end, soon and in bounded memory. Each of these bounds
 * is far above what the templates of published models need for a whole context.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'

/** Characters of a template. */
const longestSource = 2 ** 17
/** White space in a row; the library looks for it in quadratic time. */
const longestSpace = 1000
/** Numbers of a `range`, as in the sandbox of Python's Jinja. */
const longestRange = 100_000
/** Nodes that are evaluated; a round of a loop, with its own variables, costs as much as several. */
const mostSteps = 2 ** 18
const roundCost = 8
/** Characters of one text, and of all that are made or looked at. */
const longestText = 2 ** 21
const mostCharacters = 2 ** 28
/** An element of a list that is looked at costs as much as so many characters. */
const elementCost = 32

export type BoundedTemplate = (variables: Readonly<Record<string, unknown>>) => string

/** Throws an `Error` for what is no template; so does the function, also for one that would not end in time. */
export function boundedTemplate(source: string): BoundedTemplate {
  if (source.length > longestSource) throw new Error(`a template of more than ${longestSource} characters`)
  if (new RegExp(`\\s{${longestSpace + 1}}`).test(source))
    throw new Error(`more than ${longestSpace} characters of white space in a row`)
  const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
  return (variables) => {
    const environment = new Environment()
    for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value)
    const { value }: { value: unknown } = new BoundedInterpreter(environment).run(program)
    if (typeof value !== 'string') throw new Error('a template that gives no text')
    return value
  }
}

const globals = {
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
  raise_exception: (message: unknown) => {
    throw new Error(String(message))
  },
  range,
  strftime_now: (format: unknown) => dateText(new Date(), String(format)),
}

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!Number.isInteger(length)) throw new Error('range() of something else than integers')
  if (length > longestRange) throw new Error(`range() of more than ${longestRange} numbers`)
  return Array.from({ length }, (_, i) => start + i * step)
}

/** The parts of Python's `strftime` that chat templates use; others stay as they are. */
function dateText(date: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const month = (style: 'long' | 'short') => new Intl.DateTimeFormat('en-US', { month: style }).format(date)
  const parts = new Map([
    ['%Y', String(date.getFullYear())],
    ['%m', two(date.getMonth() + 1)],
    ['%d', two(date.getDate())],
    ['%b', month('short')],
    ['%B', month('long')],
    ['%H', two(date.getHours())],
    ['%M', two(date.getMinutes())],
    ['%%', '%'],
  ])
  return format.replace(/%./g, (part) => parts.get(part) ?? part)
}

type Evaluated = Parameters<Interpreter['evaluate']>
type Statement = Evaluated[0]

/** All values of a template go through `evaluate`. */
class BoundedInterpreter extends Interpreter {
  #steps = 0
  #characters = 0
  /** What the loops that are running go over: each of its elements is a round. */
  readonly #loopedOver = new Set<Statement>()

  override evaluate(statement: Statement, environment: Evaluated[1]): ReturnType<Interpreter['evaluate']> {
    this.#step(1)
    if (statement?.type === 'For') this.#loopedOver.add(iterableOf(statement))
    const result = super.evaluate(statement, environment)
    const { value } = result as { value: unknown }
    if (typeof value === 'string') {
      if (value.length > longestText) throw new Error(`a text of more than ${longestText} characters`)
      this.#read(value.length)
    } else if (Array.isArray(value)) this.#read(value.length * elementCost)
    if (this.#loopedOver.has(statement)) this.#step(lengthOf(value) * roundCost)
    return result
  }

  #step(count: number): void {
    this.#steps += count
    if (this.#steps > mostSteps) throw new Error(`more than ${mostSteps} steps`)
  }

  #read(characters: number): void {
    this.#characters += characters
    if (this.#characters > mostCharacters) throw new Error(`more than ${mostCharacters} characters of text`)
  }
}

function iterableOf(loop: object): Statement {
  const { iterable } = loop as { iterable: { lhs?: Statement } & NonNullable<Statement> }
  return iterable.type === 'SelectExpression' ? iterable.lhs : iterable
}

function lengthOf(value: unknown): number {
  if (value instanceof Map) return value.size
  return Array.isArray(value) ? value.length : 0
}
