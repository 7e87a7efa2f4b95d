/**
 * Operators of our own: model-local functions in the domain `evolmm`, with a gradient rule written by hand.
 *
 * A custom op is one node in a viewer and is inlined by the runtime, so it runs on every execution provider. Its
 * backward pass is a function as well, made for just the gradients that are wanted.
 */
import { EvolmmError } from '../errors'
import { bodiesOf, capturedBy } from '../graph/bodies'
import { checkFunction, emit, graphOf, tensorsFrom } from '../ops/emit'
import {
  Scope,
  kindOf,
  type CustomBackward,
  type GradientFunction,
  type Graph,
  type GraphFunction,
  type Node,
  type Tensor,
} from '../graph/graph'
import { generatedIn, showShape, type Dim } from '../graph/shape'
import { Identity } from '../ops/elementwise'
import { valuesOf } from '../graph/remade'

export interface CustomOp {
  /** Name of the operator; the gradient's is `<name>Grad`. */
  name: string
  /** Make the outputs from the inputs. It may use nothing else: no captured tensors. */
  forward: (...inputs: Tensor[]) => Tensor[]
  /** Make the gradients of the inputs that `needs` asks for; `undefined` where there is none. */
  backward: CustomBackward
}

const domain = 'evolmm'

/** A function that appends a node of the custom op and returns its outputs. */
export function customOp({ name, forward, backward }: CustomOp): (...inputs: Tensor[]) => Tensor[] {
  if (typeof name !== 'string' || !/^\w+$/.test(name))
    throw new EvolmmError(
      'INVALID_NAME',
      `customOp: the name must be letters, digits and underscores, got ${JSON.stringify(name)}; choose one`,
    )
  checkFunction(`customOp: forward of ${name}`, forward)
  checkFunction(`customOp: backward of ${name}`, backward)
  // Equal input types share one function, in each graph.
  const made = new WeakMap<Graph, Map<string, GraphFunction>>()
  return (...inputs) => {
    const graph = graphOf(name, inputs)
    const known = made.get(graph) ?? new Map<string, GraphFunction>()
    made.set(graph, known)
    const signature = typesOf(inputs)
    const before = known.get(signature)
    const fn = isThere(graph, before) ? before : makeFunction(graph, name, inputs, backward, forward)
    known.set(signature, fn)
    return call(graph, fn, inputs)
  }
}

/** Gradients of a custom op's inputs, as one node; `undefined` where there is none. */
export function customBackward(
  node: Node,
  forward: GraphFunction,
  gradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
): (Tensor | undefined)[] {
  const { graph } = node.scope
  const actual = [...node.inputs, ...node.outputs, ...gradients].filter((tensor) => tensor !== undefined)
  const given = gradients.map((gradient) => gradient !== undefined)
  // Lengths of outputs and of their gradients may have names that those of the inputs do not settle.
  const key = [...needs, ...given, typesOf(actual)].join()
  const before = forward.gradients.get(key)
  const backward =
    before !== undefined && (before.gives.length === 0 || isThere(graph, before.fn))
      ? before
      : makeGradient(node, forward, actual, gradients, needs)
  forward.gradients.set(key, backward)
  if (backward.gives.length === 0) return node.inputs.map(() => undefined)
  const results = call(
    graph,
    backward.fn,
    backward.takes.map((index) => valuesOf(actual[index])),
  )
  const made: (Tensor | undefined)[] = node.inputs.map(() => undefined)
  for (const [index, place] of backward.gives.entries()) made[place] = results[index]
  return made
}

/** Types and shapes as text. A function is for one such list, whose names of lengths are those in its body. */
function typesOf(tensors: readonly Tensor[]): string {
  return tensors.map(({ dtype, shape }) => `${dtype} ${showShape(shape)}`).join()
}

/** True if the graph still has the function: an operation that failed takes away those that it made. */
function isThere(graph: Graph, fn: GraphFunction | undefined): fn is GraphFunction {
  return fn !== undefined && graph.functions.get(`${fn.domain}.${fn.name}`) === fn
}

function makeGradient(
  node: Node,
  { name, backward, body }: GraphFunction,
  actual: readonly Tensor[],
  gradients: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
): GradientFunction {
  const [inputs, outputs] = [body.inputs.length, body.outputs.length]
  const gives: number[] = []
  const fn = makeFunction(node.scope.graph, `${name}Grad`, actual, undefined, (...formals) => {
    const given = formals.slice(inputs + outputs)
    const made = backward?.({
      inputs: formals.slice(0, inputs),
      outputs: formals.slice(inputs, inputs + outputs),
      gradients: gradients.map((gradient) => gradient && given.shift()),
      needs: [...needs],
    })
    if (made !== undefined && !Array.isArray(made))
      throw new EvolmmError(
        'INVALID_OUTPUT',
        `${name}: backward must return a list of tensors, got ${kindOf(made)}; write [gradient]`,
      )
    return (made ?? []).filter((gradient, index) => {
      if (gradient === undefined || !needs[index]) return false
      gives.push(index)
      return true
    }) as Tensor[]
  })
  // Leave out what the gradient does not use, so that nothing is kept alive for it.
  const used = new Set(
    fn.body.nodes.flatMap((each) => [...each.inputs, ...bodiesOf(each).flatMap(capturedBy)]),
  )
  const formals = [...fn.body.inputs]
  const takes = formals.flatMap((formal, index) => (used.has(formal) ? [index] : []))
  fn.body.inputs.splice(0, formals.length, ...takes.map((index) => formals[index]))
  if (gives.length === 0) node.scope.graph.functions.delete(`${domain}.${fn.name}`)
  return { fn, takes, gives }
}

/** A function with a body for inputs of these types: their shapes are part of it. */
function makeFunction(
  graph: Graph,
  name: string,
  inputs: readonly Tensor[],
  backward: CustomBackward | undefined,
  build: (...formals: Tensor[]) => Tensor[],
): GraphFunction {
  const unique = graph.functions.has(`${domain}.${name}`) ? graph.fresh(name) : name
  const body = new Scope(graph, undefined, 'function', unique)
  const formals = inputs.map(({ name: stem, dtype, shape }) =>
    graph.addInput(body, graph.fresh(stem), dtype, shape),
  )
  graph.within(body, () => {
    for (const output of tensorsFrom(`${name}: forward must return`, build(...formals))) {
      const own = output.scope === body && output.node !== undefined && !body.outputs.includes(output)
      body.outputs.push(own ? output : Identity(output))
    }
  })
  const fn = { name: unique, domain, body, backward, gradients: new Map<string, GradientFunction>() }
  graph.functions.set(`${domain}.${unique}`, fn)
  graph.domains.set(domain, 1)
  return fn
}

function call(graph: Graph, fn: GraphFunction, inputs: readonly Tensor[]): Tensor[] {
  // A length that is not known from the inputs is another one in each call.
  const given = new Set(fn.body.inputs.flatMap(({ shape = [] }) => shape.flatMap(generatedIn)))
  const fresh = (dim: Dim): Dim =>
    generatedIn(dim).every((name) => given.has(name)) ? dim : graph.fresh('unknown')
  const outputs = fn.body.outputs.map(({ dtype, shape }) => ({ dtype, shape: shape?.map(fresh) }))
  return emit(graph, fn.name, inputs, { domain, outputs })
}
