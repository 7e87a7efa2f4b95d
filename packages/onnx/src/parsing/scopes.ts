/** Nodes of a file, in the scopes of a graph: the main graph, bodies of control flow, functions. */
import type { Attribute } from '../graph/attribute'
import { emitNode, inferenceRule } from '../ops/emit'
import { Scope, type Graph, type Node, type Tensor } from '../graph/graph'
import { sameShape } from '../graph/shape'
import { tensorData, type TensorData } from '../graph/tensor-data'
import type { Inferred } from '../infer/context'
import type { AttributeProto, GraphProto, NodeProto, ValueInfoProto } from '../proto/gen/onnx_pb'
import { readAttribute } from './attributes'
import { invalid, quote, unsupported } from './invalid'
import { isGuessed, keep, keepType, markGuessed } from '../graph/kept'
import { Names } from './names'
import { deeper, result, standard, type FunctionReader, type NodeReader, type NodePlace } from './place'
import { raise } from './raise'
import { readTensor } from './tensors'
import { readType, refine } from './types'

export class ScopeReader implements NodeReader {
  constructor(
    readonly graph: Graph,
    /** Names of the main graph, which nothing in other scopes may take. */
    private readonly main: ReadonlySet<string>,
    private readonly functions: FunctionReader,
  ) {}

  /** Read the constants, nodes and outputs of `proto` into `scope`; its inputs are there already. */
  contents(proto: GraphProto, scope: Scope, place: NodePlace): void {
    if (proto.$unknown?.some(({ no }) => no === sparseInitializer) === true)
      throw unsupported(`graph ${quote(proto.name)}: constants must be dense, got sparse ones`)
    if (place.parameters !== undefined) this.functions.count(proto.initializer.length)
    for (const constant of proto.initializer) {
      if (!place.names.owns(constant.name))
        this.constant(constant.name, readTensor(constant, constant.name), place)
    }
    for (const node of proto.node) this.node(node, place)
    const outputs = new Set<string>()
    for (const { name } of proto.output) {
      if (outputs.has(name))
        throw invalid(`output ${quote(name)}: must be declared once, got it twice`, { name })
      outputs.add(name)
      scope.outputs.push(result(this.lookup(name, `graph ${quote(proto.name)}`, place), name, this.graph))
    }
    keep(scope, proto)
  }

  /** Types that are declared for results, by name. */
  declaredTypes(infos: readonly ValueInfoProto[]): Map<string, Inferred> {
    const declared = new Map<string, Inferred>()
    for (const info of infos) {
      const type = readType(info, this.graph)
      if (type !== undefined) declared.set(info.name, type)
    }
    return declared
  }

  /** Read one node into the current scope. */
  node(proto: NodeProto, place: NodePlace): void {
    const { opType, name } = proto
    if (place.parameters !== undefined) this.functions.count(1)
    const domain = standard(proto.domain)
    if (opType === '') throw invalid(`node ${quote(name)}: must have an operator, got none`, { node: name })
    if (proto.$unknown?.some(({ no }) => no === overload) === true)
      throw unsupported(`node ${quote(name)}: functions with overloads are not handled; export without them`)
    const where = `${quote(opType)} ${quote(name)}`
    const inputs = proto.input.map((input) => this.lookup(input, where, place))

    const fn = this.functions.find(domain, opType)
    if (fn !== undefined) {
      this.functions.call(fn, { proto, inputs, given: this.resolved(proto, where, place), place }, this)
      return
    }
    const attributes = this.attributes(proto, inputs, where, place)
    const data = opType === 'Constant' && domain === '' ? constantOf(attributes) : undefined
    if (data !== undefined && proto.output.length === 1) {
      this.constant(proto.output[0], data, place)
      return
    }
    const call = { opType, inputs, attributes, outputs: proto.output.length }
    const raised = domain === '' ? raise(call, place.opset, this.graph) : call
    const known = inferenceRule(domain, opType) !== undefined
    const made = this.emit(proto, raised.inputs, place, {
      attributes: raised.attributes,
      // Without a rule the file's word is all there is.
      ...(!known && { outputs: [] }),
    })
    keep(made, proto)
  }

  /** Append a node with the outputs that `proto` names. */
  emit(
    proto: NodeProto,
    inputs: readonly (Tensor | undefined)[],
    place: NodePlace,
    options: {
      attributes?: Record<string, Attribute>
      outputs?: readonly Inferred[]
      opType?: string
      guessed?: readonly boolean[]
    },
  ): Node {
    const { graph } = this
    const names = proto.output.map((name) => (name === '' ? '' : this.claim(name, place)))
    const nodeName = proto.name === '' ? graph.fresh(proto.opType) : proto.name
    // What a rule finds from guesses is a guess, except where the operator alone decides.
    const bodies = Object.values(options.attributes ?? {}).flatMap((attribute) =>
      attribute.type === 'graph' ? attribute.value.outputs : [],
    )
    const vague = proto.opType !== 'Cast' && [...inputs, ...bodies].some(isGuessed)
    const [said, unsaid] = [new Set<number>(), new Set<number>()]
    const settle = (found: Inferred | undefined, index: number): Inferred => {
      const name = proto.output[index]
      const weak = found === undefined || vague || options.guessed?.[index] === true
      const declared = place.declared.get(name)
      if (weak && declared === undefined) unsaid.add(index)
      if (declared === undefined) return found ?? likeFirst(inputs)
      // Types that a function declares are those of one call; others may differ.
      const fits = found?.dtype === declared.dtype
      if (!fits && !weak && place.parameters !== undefined) return found
      const type = refine(weak && !fits ? undefined : found, declared, name)
      if (weak || !sameShape(type.shape, found.shape)) said.add(index)
      return type
    }
    const make = (outputs?: readonly Inferred[]): Node =>
      emitNode(graph, options.opType ?? proto.opType, inputs, {
        domain: standard(proto.domain),
        ...(options.attributes && { attributes: options.attributes }),
        ...(outputs && { outputs }),
        nodeName,
        names,
        settle,
      })
    let node: Node
    try {
      node = make(options.outputs)
    } catch (error) {
      // A rule cannot hold guesses against anybody.
      if (!vague) throw error
      node = make([])
    }
    for (const [index, output] of node.outputs.entries()) {
      if (output === undefined) continue
      place.names.define(proto.output[index], output)
      if (said.has(index)) keepType(output)
      if (unsaid.has(index)) markGuessed(output)
    }
    return node
  }

  claim(name: string, place: NodePlace): string {
    const { graph } = this
    if (place.main) return graph.claim(name)
    return this.main.has(name) ? graph.fresh(name) : graph.nameLike(name)
  }

  private constant(name: string, data: TensorData, place: NodePlace): void {
    const scope = this.graph.current
    const own = this.claim(name, place)
    const tensor = this.graph.tensor({ name: own, dtype: data.dtype, shape: data.dims, scope, data })
    scope.initializers.push(tensor)
    place.names.define(name, tensor)
  }

  private lookup(name: string, where: string, { names, nodes }: NodePlace): Tensor | undefined {
    if (name === '' || names.has(name)) return names.get(name)
    const later = nodes.some(({ output }) => output.includes(name))
    throw invalid(
      later
        ? `${where}: value ${quote(name)} must be made before it is used, got a use above its node, or a cycle`
        : `${where}: value ${quote(name)} must be an input, a constant or the result of a node, got nothing of that name`,
      { value: name },
    )
  }

  /** Attributes as the file has them, with parameters of the function around put in. */
  private resolved(proto: NodeProto, where: string, { parameters }: NodePlace): AttributeProto[] {
    const seen = new Set<string>()
    return proto.attribute.flatMap((attribute) => {
      const { name, refAttrName } = attribute
      if (name === '' || seen.has(name))
        throw invalid(
          `${where}: attributes must have a name each, got ${quote(name)} ${name === '' ? '' : 'twice'}`,
        )
      seen.add(name)
      if (refAttrName === '') return [attribute]
      if (parameters === undefined)
        throw invalid(`${where}: attribute ${quote(name)} may refer to a parameter only within a function`)
      // A parameter that the call leaves out leaves the attribute out.
      const given = parameters.get(refAttrName)
      return given === undefined ? [] : [renamed(given, name)]
    })
  }

  private attributes(
    proto: NodeProto,
    inputs: readonly (Tensor | undefined)[],
    where: string,
    place: NodePlace,
  ): Record<string, Attribute> {
    return Object.fromEntries(
      this.resolved(proto, where, place).map((attribute): [string, Attribute] => {
        const plain = readAttribute(attribute, where)
        if (plain !== undefined) return [attribute.name, plain]
        const { g } = attribute
        if (g === undefined)
          throw invalid(`${where}: attribute ${quote(attribute.name)} must hold a graph, got none`)
        return [attribute.name, { type: 'graph', value: this.body(g, proto, inputs, place) }]
      }),
    )
  }

  private body(
    proto: GraphProto,
    { opType, attribute }: NodeProto,
    inputs: readonly (Tensor | undefined)[],
    place: NodePlace,
  ): Scope {
    const { graph } = this
    const depth = deeper(place.depth)
    const scope = new Scope(graph, graph.current, 'body', proto.name)
    const names = new Names(place.names)
    const scanned = Number(attribute.find(({ name }) => name === 'num_scan_inputs')?.i ?? 0n)
    graph.within(scope, () => {
      const inner = {
        ...place,
        names,
        main: false,
        declared: this.declaredTypes([...proto.valueInfo, ...proto.output]),
        depth,
        nodes: proto.node,
      }
      for (const [index, info] of proto.input.entries()) {
        const declared = readType(info, graph)
        const type = declared ?? formalType(opType, index, inputs, scanned)
        const input = graph.addInput(scope, this.claim(info.name, inner), type.dtype, type.shape)
        if (declared === undefined && isGuessed(inputs.at(index))) markGuessed(input)
        names.define(info.name, input)
      }
      this.contents(proto, scope, inner)
    })
    return scope
  }
}

/** Numbers of fields that our schema does not list. */
const sparseInitializer = 15
const overload = 8

/** An argument under the name of the attribute that it stands for. Its contents are shared: they may be long. */
function renamed(given: AttributeProto, name: string): AttributeProto {
  return Object.assign(Object.create(Object.getPrototypeOf(given) as object) as AttributeProto, given, {
    name,
  })
}

/** What an operator without a rule most often returns: the type of its first input, of any shape. */
function likeFirst(inputs: readonly (Tensor | undefined)[]): Inferred {
  return { dtype: inputs.at(0)?.dtype ?? 'float32', shape: undefined }
}

/** The type of a body's input that declares none. A carried value may change its shape from turn to turn. */
function formalType(
  opType: string,
  index: number,
  inputs: readonly (Tensor | undefined)[],
  scanned: number,
): Inferred {
  if (opType === 'Loop' && index < 2) return { dtype: index === 0 ? 'int64' : 'bool', shape: [] }
  const { dtype = 'float32', shape } = inputs.at(index) ?? {}
  if (opType === 'Scan') return { dtype, shape: index < inputs.length - scanned ? shape : shape?.slice(1) }
  return { dtype, shape: undefined }
}

/** The contents of a `Constant` node; `undefined` for texts and sparse tensors. */
function constantOf(attributes: Record<string, Attribute>): TensorData | undefined {
  const entries = Object.entries(attributes)
  if (entries.length !== 1) return undefined
  const [[name, given]] = entries
  if (name === 'value' && given.type === 'tensor') return given.value
  if (name === 'value_int' && given.type === 'int') return tensorData('int64', [], [given.value])
  if (name === 'value_float' && given.type === 'float') return tensorData('float32', [], [given.value])
  if (name === 'value_ints' && given.type === 'ints')
    return tensorData('int64', [given.value.length], given.value)
  if (name === 'value_floats' && given.type === 'floats')
    return tensorData('float32', [given.value.length], given.value)
  return undefined
}
