/**
 * Reverse-mode differentiation: nodes for the gradient of a loss are appended to its graph.
 *
 * Only what lies between `wrt` and the loss is differentiated. A forward walk marks the tensors that depend on `wrt`
 * (active); the walk back visits active nodes only and asks each rule for the gradients of its active inputs. Rules
 * are in `src/rules`, one table per operator family.
 */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { describeNode } from '../describe'
import { isFloat } from '../graph/dtype'
import { bodiesOf, capturedBy } from '../graph/bodies'
import { cloneNodes } from './clone'
import { emit, graphOf, tensorsFrom } from '../ops/emit'
import { body, type Attribute } from '../graph/attribute'
import { around, Scope, showTensor, type Graph, type Node, type Region, type Tensor } from '../graph/graph'
import { knownShape } from '../graph/known-shape'
import { sizeOf, type Shape } from '../graph/shape'
import { onesLike, zerosLike } from '../ops/creation'
import { Add, Identity } from '../ops/elementwise'
import { gradientRules } from '../rules/index'
import { withoutGradient } from '../rules/without-gradient'
import { customBackward } from './custom-op'
import { runRegion, tie } from './checkpoint'
import { gradientContext, type GradientRule } from '../rules/rule'
import { firstDifference } from './same-nodes'
import { isStopped } from './stop-gradient'

export interface GradOptions {
  /** Gradient of the loss itself, in its shape. Without it the loss must be a single number, and this is 1. */
  seed?: Tensor
}

/** Gradients of `loss` with respect to each tensor of `wrt`, in their types and shapes; zeros where it does not depend on one. */
export function grad(loss: Tensor, wrt: readonly Tensor[], options: GradOptions = {}): Tensor[] {
  checkNames('grad', options, { seed: true })
  const graph = graphOf('grad', [loss, ...tensorsFrom('grad: wrt must be', wrt), options.seed])
  const { seed } = options
  checkGrad(loss, wrt, seed)
  const build = () => {
    const walk = new Walk(graph, new Map(wrt.map((tensor) => [tensor, undefined])))
    for (const scope of around(loss.scope)) walk.forward(scope.nodes)
    if (walk.active.has(loss)) {
      const nodes = [...loss.scope.nodes]
      try {
        walk.add(loss, seed ?? onesLike(loss))
        walk.back(nodes, graph.currentRegion, loss)
      } catch (error) {
        // Without a rule somewhere, types on the way may not be known, and rules that need them fail first.
        const known = error instanceof EvolmmError && error.code === 'NO_GRADIENT_RULE'
        throw (known ? undefined : walk.unruled(nodes, [loss], loss)) ?? error
      }
    }
    for (const tensor of walk.cotangents.keys()) {
      if (tensor.scope !== loss.scope && tensor.node !== undefined && !wrt.includes(tensor)) {
        throw new EvolmmError(
          'UNSUPPORTED_GRADIENT',
          `grad: a loss inside a body may depend on what is outside only directly, got ${showTensor(tensor)}, which depends ` +
            'on what is differentiated; take the gradient with respect to it, or outside of the body',
        )
      }
    }
    return wrt.map((tensor) => walk.cotangents.get(tensor) ?? zerosLike(tensor))
  }
  return graph.within(loss.scope, () => graph.undoing(build))
}

/** Throws unless there can be gradients of `loss` with respect to `wrt`. */
function checkGrad(loss: Tensor, wrt: readonly Tensor[], seed: Tensor | undefined): void {
  for (const tensor of [loss, ...wrt]) {
    if (!isFloat(tensor.dtype))
      throw new EvolmmError(
        'NOT_DIFFERENTIABLE',
        `grad: tensors must be floats, got ${showTensor(tensor)}; cast it first`,
      )
  }
  for (const tensor of wrt) {
    if (!loss.scope.sees(tensor.scope)) {
      throw new EvolmmError(
        'OUT_OF_SCOPE',
        `grad: tensors must belong to the graph of the loss and to a scope around it, got ${showTensor(tensor)}`,
      )
    }
    const region = outermost(tensor.node?.region, loss.scope.graph.currentRegion)
    if (region !== undefined && !region.outputs.includes(tensor)) {
      throw new EvolmmError(
        'NOT_DIFFERENTIABLE',
        `grad: a tensor made inside a checkpoint has no gradient of its own, got ${showTensor(tensor)}; return it from there`,
      )
    }
  }
  if (seed !== undefined) {
    if (seed.dtype !== loss.dtype || !fits(seed.shape, loss.shape)) {
      throw new EvolmmError(
        'GRADIENT_SHAPE',
        `grad: the seed must have the type and shape of the loss ${showTensor(loss)}, got ${showTensor(seed)}; cast or reshape it`,
      )
    }
    if (!loss.scope.sees(seed.scope)) {
      throw new EvolmmError(
        'OUT_OF_SCOPE',
        `grad: the seed must belong to the graph of the loss and to a scope around it, got ${showTensor(seed)}; make it there`,
      )
    }
  }
  const size = sizeOf(loss.shape)
  if (seed === undefined && loss.shape !== undefined && size !== 1) {
    throw new EvolmmError(
      'NOT_A_SCALAR',
      `grad: the loss must be a single number, got ${showTensor(loss)}; reduce it or pass a seed`,
    )
  }
}

/** One walk over the nodes of one scope, with what it has found so far. */
class Walk {
  /** Gradients with respect to tensors, as far as they have been summed. */
  readonly cotangents = new Map<Tensor, Tensor>()

  constructor(
    readonly graph: Graph,
    /** Tensors that depend on what is differentiated, each with the tensor it depends through. */
    readonly active: Map<Tensor, Tensor | undefined>,
  ) {}

  add(tensor: Tensor, gradient: Tensor): void {
    if (gradient.dtype !== tensor.dtype || !fits(gradient.shape, tensor.shape)) {
      throw new EvolmmError(
        'GRADIENT_SHAPE',
        `grad: the gradient of ${showTensor(tensor)} must have its type and shape, got ${showTensor(gradient)}; ` +
          'sum it over broadcast axes where it is made',
      )
    }
    knownShape(gradient, tensor.shape)
    const known = this.cotangents.get(tensor)
    this.cotangents.set(tensor, known === undefined ? gradient : Add(known, gradient))
  }

  /** Mark what depends on active tensors. */
  forward(nodes: readonly Node[]): void {
    for (const node of nodes) {
      const through = this.activeInputs(node).at(0)
      if (through === undefined) continue
      for (const output of node.outputs)
        if (output !== undefined && isFloat(output.dtype) && !isStopped(output))
          this.active.set(output, through)
    }
  }

  /** Inputs, and tensors used by bodies, that are active. */
  activeInputs(node: Node): Tensor[] {
    const used = [...node.inputs, ...bodiesOf(node).flatMap(capturedBy)]
    return used.filter((tensor) => tensor !== undefined && this.active.has(tensor)) as Tensor[]
  }

  /** Go through `nodes` from the last to the first; `region` is the checkpointed region whose nodes are taken one by one. */
  back(nodes: readonly Node[], region: Region | undefined, loss: Tensor): void {
    const done = new Set<Region>()
    for (const node of nodes.toReversed()) {
      const outer = outermost(node.region, region)
      if (outer === undefined) this.step(node, loss)
      else if (!done.has(outer)) {
        done.add(outer)
        this.recompute(outer, nodes, region, loss)
      }
    }
  }

  step(node: Node, loss: Tensor): void {
    const gradients = node.outputs.map((output) =>
      output === undefined || isStopped(output) ? undefined : this.cotangents.get(output),
    )
    if (gradients.every((gradient) => gradient === undefined)) return
    if (!node.outputs.some((output) => output !== undefined && this.active.has(output))) return
    if (node.opType === 'If' && node.domain === '') {
      this.branch(node, gradients, loss)
      return
    }
    const needs = node.inputs.map((input) => input !== undefined && this.active.has(input))
    const custom = this.graph.functions.get(`${node.domain}.${node.opType}`)
    if (custom?.backward !== undefined) {
      const made = customBackward(node, custom, gradients, needs)
      for (const [index, input] of node.inputs.entries()) {
        const gradient = made[index]
        if (input !== undefined && gradient !== undefined) this.add(input, gradient)
      }
      return
    }
    const rule = ruleOf(node)
    if (rule === undefined) throw this.missing(node, loss)
    const makers = rule(gradientContext(node, gradients))
    for (const [index, input] of node.inputs.entries()) {
      const make = makers[index]
      if (input !== undefined && needs[index] && make !== undefined) this.add(input, make())
    }
  }

  /** Both branches once more, each with its own gradient: an `If` with the same condition. */
  branch(node: Node, gradients: readonly (Tensor | undefined)[], loss: Tensor): void {
    const branches = ['then_branch', 'else_branch'].map((name) => {
      const attribute = node.attributes[name] as Attribute | undefined
      if (attribute?.type !== 'graph')
        throw new EvolmmError('INTERNAL', `internal: If "${node.name}" has no ${name}`)
      return attribute.value
    })
    const wanted = [...new Set(branches.flatMap(capturedBy))].filter((tensor) => this.active.has(tensor))
    const attributes = Object.fromEntries(
      branches.map((branch, which) => [
        which === 0 ? 'then_branch' : 'else_branch',
        body(this.branchGradient(branch, gradients, wanted, loss)),
      ]),
    )
    const outputs = wanted.map(({ dtype, shape }) => ({ dtype, shape }))
    const made = emit(this.graph, 'If', node.inputs, { attributes, outputs })
    for (const [index, tensor] of wanted.entries()) this.add(tensor, made[index])
  }

  branchGradient(
    branch: Scope,
    gradients: readonly (Tensor | undefined)[],
    wanted: readonly Tensor[],
    loss: Tensor,
  ): Scope {
    const scope = new Scope(this.graph, this.graph.current, 'body', this.graph.fresh('grad'))
    this.graph.within(scope, () => {
      const replaced = new Map<Tensor, Tensor>()
      for (const constant of branch.initializers) {
        const renamed = { ...constant, name: this.graph.fresh(constant.name), scope }
        scope.initializers.push(renamed)
        replaced.set(constant, renamed)
      }
      cloneNodes(branch.nodes, replaced)
      const walk = new Walk(this.graph, new Map(wanted.map((tensor) => [tensor, undefined])))
      const nodes = [...scope.nodes]
      walk.forward(nodes)
      for (const [index, output] of branch.outputs.entries()) {
        const copy = replaced.get(output) ?? output
        const gradient = gradients[index]
        if (gradient !== undefined && walk.active.has(copy)) walk.add(copy, gradient)
      }
      walk.back(nodes, this.graph.currentRegion, loss)
      for (const tensor of wanted)
        scope.outputs.push(Identity(walk.cotangents.get(tensor) ?? zerosLike(tensor)))
    })
    return scope
  }

  /** Run a checkpointed region anew, after the gradients of its outputs are there, and go back through the new nodes. */
  recompute(region: Region, nodes: readonly Node[], outer: Region | undefined, loss: Tensor): void {
    const seeds = region.outputs.map((output) => this.cotangents.get(output))
    for (const node of nodes) {
      const leak =
        node.region !== undefined &&
        outermost(node.region, outer) === region &&
        node.outputs.find(
          (output) => output !== undefined && this.cotangents.has(output) && !region.outputs.includes(output),
        )
      if (leak) {
        throw new EvolmmError(
          'CHECKPOINT_LEAK',
          `checkpoint: tensors made inside may be used outside only as its outputs, got ${showTensor(leak)}; return it`,
        )
      }
    }
    const gate = seeds.find((seed) => seed !== undefined)
    if (gate === undefined) return
    // Constants stay as they are, and so do shapes: what is known of them decides what nodes are made.
    const inputs = region.inputs.map((input) =>
      input.data === undefined && input.value === undefined ? tie(input, [gate]) : input,
    )
    const before = this.graph.current.nodes.length
    const outputs = runRegion(region, inputs)
    const made = this.graph.current.nodes.slice(before)
    checkSame(
      region,
      nodes.filter(({ region: own }) => outermost(own, outer) === region),
      made,
      inputs,
      outputs,
    )

    for (const [index, input] of region.inputs.entries())
      if (this.active.has(input)) this.active.set(inputs[index], input)
    this.forward(made)
    for (const [index, seed] of seeds.entries()) if (seed !== undefined) this.add(outputs[index], seed)
    const earlier = new Map(this.cotangents)
    this.back(made, outer, loss)
    // What the region captured, parameters above all, has its gradients before the walk goes on.
    const tied = inputs.filter((input, index) => input !== region.inputs[index])
    const own = new Set([...tied, ...made.flatMap((node) => node.outputs)])
    const captured = [...this.cotangents].filter(
      ([tensor, gradient]) => !own.has(tensor) && earlier.get(tensor) !== gradient,
    )
    for (const [index, input] of region.inputs.entries()) {
      const gradient = this.cotangents.get(inputs[index])
      if (gradient !== undefined && inputs[index] !== input)
        this.add(
          input,
          tie(
            gradient,
            captured.map(([, late]) => late),
          ),
        )
    }
  }

  /** The error for the last of `nodes` that has no rule and stands between what is differentiated and `ends`, if one does. */
  unruled(nodes: readonly Node[], ends: readonly Tensor[], loss: Tensor): EvolmmError | undefined {
    const needed = new Set<Tensor | undefined>(ends)
    for (const node of nodes.toReversed()) {
      const leads = node.outputs.some(
        (output) =>
          output !== undefined && needed.has(output) && this.active.has(output) && !isStopped(output),
      )
      if (!leads) continue
      if (node.opType === 'If' && node.domain === '') {
        for (const branch of bodiesOf(node)) {
          const inside = new Walk(this.graph, new Map(this.active))
          inside.forward(branch.nodes)
          const found = inside.unruled(branch.nodes, branch.outputs, loss)
          if (found !== undefined) return found
        }
      } else {
        const custom = this.graph.functions.get(`${node.domain}.${node.opType}`)
        if (custom?.backward === undefined && ruleOf(node) === undefined) return this.missing(node, loss)
      }
      for (const input of this.activeInputs(node)) needed.add(input)
    }
    return undefined
  }

  missing(node: Node, loss: Tensor): EvolmmError {
    const path: string[] = []
    for (let tensor = this.activeInputs(node).at(0); tensor !== undefined; tensor = this.active.get(tensor)) {
      path.unshift(tensor.node === undefined ? tensor.name : tensor.node.name)
    }
    const reason = withoutGradient.find(({ operators }) => operators.includes(node.opType))?.reason
    return new EvolmmError(
      'NO_GRADIENT_RULE',
      `${node.opType} "${node.name}": every operator between what is differentiated and the loss needs a gradient rule, ` +
        `got none for ${node.domain === '' ? '' : `${node.domain}.`}${node.opType} ` +
        `${reason === undefined ? '' : `(${reason}) `}on the path ` +
        `${[...path, node.name].join(' → ')} → … → ${loss.name}; use stopGradient, a customOp, or other operators`,
      { details: { opType: node.opType, domain: node.domain, path: [...path, node.name] } },
    )
  }
}

/** Throw unless a region's function has made the same nodes again, with the same outputs. */
function checkSame(
  region: Region,
  first: readonly Node[],
  again: readonly Node[],
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
): void {
  const fail = (got: string): never => {
    throw new EvolmmError(
      'CHECKPOINT_MISMATCH',
      `checkpoint: the function must make the same nodes each time, got ${got}; make it depend on its inputs alone`,
    )
  }
  if (outputs.length !== region.outputs.length)
    fail(`${region.outputs.length} outputs, then ${outputs.length}`)
  const renamed = new Map(inputs.map((input, index) => [input, region.inputs[index]]))
  const at = firstDifference(first, again, renamed)
  if (at !== undefined) {
    const [one, two] = [first, again].map((nodes) => nodes.at(at))
    fail(`${one ? describeNode(one) : 'nothing'}, then ${two ? describeNode(two) : 'nothing'}`)
  }
  for (const [index, output] of outputs.entries())
    if (renamed.get(output) !== region.outputs[index])
      fail(`${region.outputs[index].name} as output ${index}, then another`)
}

/** The rule of an operator; domains other than the two that have rules have none. */
function ruleOf({ domain, opType }: Node): GradientRule | undefined {
  return domain === '' || domain === 'com.microsoft' ? gradientRules.get(opType) : undefined
}

/** Two shapes fit if they can be equal: names may turn out to be any number. */
function fits(a: Shape | undefined, b: Shape | undefined): boolean {
  if (a === undefined || b === undefined) return true
  return (
    a.length === b.length &&
    a.every((dim, i) => typeof dim === 'string' || typeof b[i] === 'string' || dim === b[i])
  )
}

/** The region around `inner` that lies directly inside `outer`; `undefined` when `inner` is `outer` itself. */
function outermost(inner: Region | undefined, outer: Region | undefined): Region | undefined {
  let found: Region | undefined
  for (let region = inner; region !== outer; region = region.parent) {
    if (region === undefined) return undefined
    found = region
  }
  return found
}
