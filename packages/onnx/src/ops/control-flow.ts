/** Control flow. Bodies are callbacks; they may use any tensor of the scopes around them. */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { body, int } from '../graph/attribute'
import { checkFunction, emit, graphOf, tensorsFrom } from './emit'
import { Scope, kindOf, type Graph, type Tensor } from '../graph/graph'
import type { DType } from '../graph/dtype'
import { sameShape, type Dim, type Shape } from '../graph/shape'
import { Identity } from './elementwise'

/** The outputs of one of two branches, which must agree in number and types. Only the branch that is taken runs. */
export function If(condition: Tensor, thenBranch: () => Tensor[], elseBranch: () => Tensor[]): Tensor[] {
  const graph = graphOf('If', [condition])
  for (const branch of [thenBranch, elseBranch]) checkFunction('If: a branch', branch)
  const attributes = {
    then_branch: body(
      makeBody(graph, 'then', [], () => tensorsFrom('If: a branch must return', thenBranch())),
    ),
    else_branch: body(
      makeBody(graph, 'else', [], () => tensorsFrom('If: a branch must return', elseBranch())),
    ),
  }
  return emit(graph, 'If', [condition], { attributes })
}

export interface LoopStep {
  /** A boolean that lets the loop go on; without it the loop runs as often as it was told. */
  condition?: Tensor
  /** New values of what is carried, as many as there were. */
  carried: readonly Tensor[]
  /** One entry of each stacked output. @default none */
  stacked?: readonly Tensor[]
}

/**
 * Run `step(iteration, ...carried)` up to `trips` times, or until its condition is false; `condition` says whether to
 * begin. Something must end it. Returns the last carried values, then the stacked outputs. Carried values may grow;
 * `step` is called again when they do.
 */
export function Loop(
  options: { trips?: Tensor; condition?: Tensor; carried: readonly Tensor[] },
  step: (iteration: Tensor, ...carried: Tensor[]) => LoopStep,
): Tensor[] {
  checkNames('Loop', options, { trips: true, condition: true, carried: true })
  const { trips, condition, carried } = options
  const graph = graphOf('Loop', [trips, condition, ...carried])
  checkFunction('Loop: the step', step)
  let isOpen = false as boolean
  const scope = repeatedBody(graph, carried, (shapes) => {
    const formals: Formal[] = [
      { stem: 'iteration', dtype: 'int64', shape: [] },
      { stem: 'condition', dtype: 'bool', shape: [] },
      ...carried.map(({ dtype }, i) => ({ stem: 'carried', dtype, shape: shapes[i] })),
    ]
    return makeBody(graph, 'loop', formals, (iteration, goOn, ...values) => {
      const result = step(iteration, ...values)
      isOpen = objectFrom(result, 'Loop: step', 'carried').condition !== undefined
      const [next, stacked] = [result.carried, result.stacked ?? []].map((list) =>
        tensorsFrom('Loop: step must return', list),
      )
      if (next.length !== carried.length)
        throw new EvolmmError(
          'INVALID_OUTPUT',
          `Loop: step must return as many carried values as there are, got ${next.length} for ${carried.length}`,
        )
      return [...tensorsFrom('Loop: step must return', [result.condition ?? goOn]), ...next, ...stacked]
    })
  })
  if (trips === undefined && condition === undefined && !isOpen)
    throw new EvolmmError(
      'ENDLESS_LOOP',
      'Loop: must have trips, a condition, or a step that returns one, got none of them; pass trips',
    )
  // Without a first condition, the standard lets no later one end the loop.
  const first = condition ?? (isOpen ? graph.constant('bool', [], [true]) : undefined)
  return emit(graph, 'Loop', [trips, first, ...carried], { attributes: { body: body(scope) } })
}

/**
 * A body whose carried values may change their shapes from one iteration to the next: made anew, with names for the
 * lengths that change, until one iteration gives what the next one takes.
 */
function repeatedBody(
  graph: Graph,
  carried: readonly Tensor[],
  make: (shapes: readonly (Shape | undefined)[]) => Scope,
): Scope {
  const shapes = carried.map(({ shape }) => shape)
  const open = new Set<Dim>()
  for (;;) {
    const scope = make(shapes)
    const wider = widened(graph, shapes, { made: scope.outputs.slice(1).map(({ shape }) => shape), open })
    if (wider.every((shape, i) => shape === shapes[i] || sameShape(shape, shapes[i]))) return scope
    shapes.splice(0, shapes.length, ...wider)
  }
}

/**
 * `shapes` with names for lengths that an iteration changes. Lengths that were one and become one share a name, as long as
 * further iterations change them alike.
 */
function widened(
  graph: Graph,
  shapes: readonly (Shape | undefined)[],
  { made, open }: { made: readonly (Shape | undefined)[]; open: Set<Dim> },
): (Shape | undefined)[] {
  const became = new Map<Dim, Dim>()
  const shared = new Map<string, Dim>()
  return shapes.map((shape, i) => {
    if (shape?.length !== made[i]?.length) return undefined
    return shape?.map((dim, axis) => {
      const next = made[i]?.[axis] ?? dim
      // The first length of a name decides what becomes of it.
      const first = open.has(dim) ? (became.get(dim) ?? next) : dim
      became.set(dim, first)
      if (next === first) return dim
      const key = `${dim} ${next}`
      const name = shared.get(key) ?? graph.fresh('unknown')
      shared.set(key, name)
      open.add(name)
      return name
    })
  })
}

export interface ScanStep {
  states: readonly Tensor[]
  stacked?: readonly Tensor[]
}

/** Run `step(...states, ...entries)` for each entry along the first axis of `inputs`. Returns last states, then stacked outputs. */
export function Scan(
  options: { states: readonly Tensor[]; inputs: readonly Tensor[] },
  step: (...statesAndEntries: Tensor[]) => ScanStep,
): Tensor[] {
  checkNames('Scan', options, { states: true, inputs: true })
  const { states, inputs } = options
  const graph = graphOf('Scan', [...inputs, ...states])
  checkFunction('Scan: the step', step)
  const formals: Formal[] = [
    ...states.map(({ dtype, shape }) => ({ stem: 'state', dtype, shape })),
    ...inputs.map(({ dtype, shape }) => ({ stem: 'entry', dtype, shape: shape?.slice(1) })),
  ]
  const scope = makeBody(graph, 'scan', formals, (...values) => {
    const result = objectFrom(step(...values), 'Scan: step', 'states')
    return [
      ...tensorsFrom('Scan: step must return', result.states),
      ...tensorsFrom('Scan: step must return', result.stacked ?? []),
    ]
  })
  const attributes = { body: body(scope), num_scan_inputs: int(inputs.length) }
  return emit(graph, 'Scan', [...states, ...inputs], { attributes })
}

/** What a step returned, which must be an object with lists. */
function objectFrom<T>(result: T, what: string, field: string): T {
  if (typeof result === 'object' && result !== null && !Array.isArray(result)) return result
  throw new EvolmmError(
    'INVALID_OUTPUT',
    `${what} must return an object, got ${kindOf(result)}; write { ${field}: [tensor] }`,
  )
}

interface Formal {
  stem: string
  dtype: DType
  shape: Shape | undefined
}

/** A scope below the current one, filled by `build`. */
function makeBody(
  graph: Graph,
  stem: string,
  formals: readonly Formal[],
  build: (...inputs: Tensor[]) => Tensor[],
): Scope {
  const scope = new Scope(graph, graph.current, 'body', graph.fresh(stem))
  const inputs = formals.map(({ stem: name, dtype, shape }) =>
    graph.addInput(scope, graph.fresh(name), dtype, shape),
  )
  graph.within(scope, () => {
    // An output must be the result of a node of the body, and an output once.
    for (const output of build(...inputs)) {
      const own = output.scope === scope && output.node !== undefined && !scope.outputs.includes(output)
      scope.outputs.push(own ? output : Identity(output))
    }
  })
  return scope
}
