/** Control flow. Bodies are callbacks; they may use any tensor of the scopes around them. */
import { body, int } from '../graph/attribute'
import { emit } from '../graph/emit'
import { Scope, type Graph, type Tensor } from '../graph/graph'
import type { DType } from '../graph/dtype'
import { sameShape, type Dim, type Shape } from '../graph/shape'
import { Identity } from './elementwise'

/** The outputs of one of two branches, which must agree in number and types. Only the branch that is taken runs. */
export function If(condition: Tensor, thenBranch: () => Tensor[], elseBranch: () => Tensor[]): Tensor[] {
  const { graph } = condition.scope
  const attributes = {
    then_branch: body(makeBody(graph, 'then', [], thenBranch)),
    else_branch: body(makeBody(graph, 'else', [], elseBranch)),
  }
  return emit(graph, 'If', [condition], { attributes })
}

export interface LoopStep {
  /** Whether to go on; without it the loop runs as often as it was told. */
  condition?: Tensor
  /** New values of what is carried, as many as there were. */
  carried: readonly Tensor[]
  /** One entry of each stacked output. @default none */
  stacked?: readonly Tensor[]
}

/**
 * Run `step(iteration, ...carried)` up to `trips` times, or until its condition is false. Returns the last carried
 * values, then the stacked outputs. Carried values may grow; `step` is called again when they do.
 */
export function Loop(
  options: { trips?: Tensor; condition?: Tensor; carried: readonly Tensor[] },
  step: (iteration: Tensor, ...carried: Tensor[]) => LoopStep,
): Tensor[] {
  const { trips, condition, carried } = options
  const { graph } = (trips ?? condition ?? carried[0]).scope
  const scope = repeatedBody(graph, carried, (shapes) => {
    const formals: Formal[] = [
      { stem: 'iteration', dtype: 'int64', shape: [] },
      { stem: 'condition', dtype: 'bool', shape: [] },
      ...carried.map(({ dtype }, i) => ({ stem: 'carried', dtype, shape: shapes[i] })),
    ]
    return makeBody(graph, 'loop', formals, (iteration, goOn, ...values) => {
      const result = step(iteration, ...values)
      return [result.condition ?? goOn, ...result.carried, ...(result.stacked ?? [])]
    })
  })
  return emit(graph, 'Loop', [trips, condition, ...carried], { attributes: { body: body(scope) } })
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
  const widen = (given: Shape | undefined, made: Shape | undefined): Shape | undefined => {
    if (given?.length !== made?.length) return undefined
    return given?.map((dim, axis) => {
      if (dim === made?.[axis] || open.has(dim)) return dim
      const name = graph.fresh('unknown')
      open.add(name)
      return name
    })
  }
  for (;;) {
    const scope = make(shapes)
    const wider = shapes.map((shape, i) => widen(shape, scope.outputs.at(i + 1)?.shape))
    if (wider.every((shape, i) => shape === shapes[i] || sameShape(shape, shapes[i]))) return scope
    shapes.splice(0, shapes.length, ...wider)
  }
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
  const { states, inputs } = options
  const { graph } = inputs[0].scope
  const formals: Formal[] = [
    ...states.map(({ dtype, shape }) => ({ stem: 'state', dtype, shape })),
    ...inputs.map(({ dtype, shape }) => ({ stem: 'entry', dtype, shape: shape?.slice(1) })),
  ]
  const scope = makeBody(graph, 'scan', formals, (...values) => {
    const result = step(...values)
    return [...result.states, ...(result.stacked ?? [])]
  })
  const attributes = { body: body(scope), num_scan_inputs: int(inputs.length) }
  return emit(graph, 'Scan', [...states, ...inputs], { attributes })
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
