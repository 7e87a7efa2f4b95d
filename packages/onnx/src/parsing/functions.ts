/**
 * Model-local functions of a file. A function has no types of its own, so each is read where it is called, once for
 * each combination of input types and attribute arguments; the first keeps the name, the others get names like it. Or
 * its nodes go right into the place of the call.
 */
import { emitNode } from '../ops/emit'
import { Scope, type Graph, type GraphFunction, type Tensor } from '../graph/graph'
import { isGenerated, showShape } from '../graph/shape'
import type { Inferred } from '../infer/context'
import {
  AttributeProto_AttributeType as Kind,
  type AttributeProto,
  type FunctionProto,
} from '../proto/gen/onnx_pb'
import { invalid, quote, unsupported } from './invalid'
import { isGuessed, keep, markGuessed } from '../graph/kept'
import { Names } from './names'
import { currentOpset, oldestOpset } from './raise'
import {
  deeper,
  result,
  standard,
  type FunctionCall,
  type FunctionReader,
  type NodeReader,
  type NodePlace,
} from './place'

/** Nodes that functions may stand for in all: functions that call functions can grow without bound. */
const maxNodes = 200_000

export class Functions implements FunctionReader {
  private readonly protos = new Map<string, FunctionProto>()
  private readonly read = new Map<string, GraphFunction>()
  private readonly open = new Set<FunctionProto>()
  private nodes = 0

  constructor(
    protos: readonly FunctionProto[],
    private readonly graph: Graph,
    private readonly inline: boolean,
  ) {
    for (const proto of protos) {
      const key = keyOf(standard(proto.domain), proto.name)
      if (this.protos.has(key))
        throw invalid(`function ${quote(key)}: must be defined once, got a second definition`)
      this.protos.set(key, proto)
    }
  }

  find(domain: string, opType: string): FunctionProto | undefined {
    return this.protos.get(keyOf(domain, opType))
  }

  /** Read a call: as a node, or as the nodes that it stands for. */
  call(fn: FunctionProto, call: FunctionCall, reader: NodeReader): void {
    const where = `function ${quote(fn.name)}`
    const { proto, inputs } = call
    if (inputs.length > fn.input.length || proto.output.length > fn.output.length) {
      throw invalid(
        `${where}: must be called with up to ${fn.input.length} inputs and ${fn.output.length} outputs, got ` +
          `${inputs.length} and ${proto.output.length}`,
      )
    }
    if (this.open.has(fn)) throw invalid(`${where}: must not call itself, got a call within its own body`)
    this.open.add(fn)
    if (this.inline) this.callInline(fn, call, reader)
    else this.callNode(fn, call, reader)
    this.open.delete(fn)
  }

  count(amount: number): void {
    this.nodes += amount
    if (this.nodes > maxNodes)
      throw unsupported(`model: functions must stand for at most ${maxNodes} nodes, got more`, { maxNodes })
  }

  private callInline(
    fn: FunctionProto,
    { proto, inputs, given, place }: FunctionCall,
    reader: NodeReader,
  ): void {
    const names = new Names()
    for (const [index, name] of fn.input.entries()) names.define(name, inputs[index])
    // What the file says of the call's results, it says of what makes them.
    const declared = fn.output.flatMap((inner, index): [string, Inferred][] => {
      const type = place.declared.get(proto.output.at(index) ?? '')
      return type === undefined ? [] : [[inner, type]]
    })
    const results = this.body(fn, names, given, place, reader, declared)
    const named = new Set<Tensor | undefined>(inputs)
    for (const [index, name] of proto.output.entries()) {
      if (name === '') continue
      const made = results[index]
      // A result that has a name outside already needs a second one.
      if (named.has(made)) {
        const outputs = [{ dtype: made.dtype, shape: made.shape, value: made.value }]
        const names = [reader.claim(name, place)]
        const copy = emitNode(this.graph, 'Identity', [made], { outputs, names })
        place.names.define(name, copy.outputs[0])
      } else {
        if (place.main) this.graph.rename(made, name)
        place.names.define(name, made)
      }
      named.add(made)
    }
  }

  private callNode(fn: FunctionProto, call: FunctionCall, reader: NodeReader): void {
    const { proto, inputs, given, place } = call
    const { graph } = this
    const signature = [fn.domain, fn.name, ...typesOf(inputs), ...given.map(showArgument)].join('|')
    const made = this.read.get(signature) ?? this.function(fn, call, reader)
    this.read.set(signature, made)
    // Lengths that depend on contents are others in each call.
    const outputs = made.body.outputs.map(({ dtype, shape }) => ({
      dtype,
      shape: shape?.map((dim) => (isGenerated(dim) ? graph.fresh('unknown') : dim)),
    }))
    keep(
      reader.emit(proto, inputs, place, {
        outputs,
        opType: made.name,
        guessed: made.body.outputs.map(isGuessed),
      }),
      proto,
    )
  }

  private function(
    fn: FunctionProto,
    { inputs, given, place }: FunctionCall,
    reader: NodeReader,
  ): GraphFunction {
    const { graph } = this
    const domain = standard(fn.domain)
    const name = graph.functions.has(keyOf(domain, fn.name)) ? graph.fresh(fn.name) : fn.name
    const body = new Scope(graph, undefined, 'function', name)
    graph.within(body, () => {
      const names = new Names()
      for (const [index, formal] of fn.input.entries()) {
        const actual = inputs.at(index)
        const own = graph.nameLike(formal)
        const input = graph.addInput(body, own, actual?.dtype ?? 'float32', actual?.shape)
        if (isGuessed(actual)) markGuessed(input)
        names.define(formal, actual && input)
      }
      body.outputs.push(...this.body(fn, names, given, place, reader))
    })
    const made: GraphFunction = { name, domain, body, backward: undefined, gradients: new Map() }
    graph.functions.set(keyOf(domain, name), made)
    return made
  }

  /** Read the nodes of `fn` into the current scope, and return its results. */
  private body(
    fn: FunctionProto,
    names: Names,
    given: readonly AttributeProto[],
    place: NodePlace,
    reader: NodeReader,
    declared: readonly [string, Inferred][] = [],
  ): Tensor[] {
    const parameters = new Map(fn.attributeProto.map((attribute) => [attribute.name, attribute]))
    for (const attribute of given) {
      if (!fn.attribute.includes(attribute.name) && !parameters.has(attribute.name)) continue
      if (attribute.type === Kind.GRAPH)
        throw unsupported(`function ${quote(fn.name)}: arguments must be plain values, got a graph`)
      parameters.set(attribute.name, attribute)
    }
    const inner: NodePlace = {
      names,
      main: false,
      opset: this.opset(fn, place),
      declared: new Map([...reader.declaredTypes(fn.valueInfo), ...declared]),
      parameters,
      depth: deeper(place.depth),
      nodes: fn.node,
    }
    for (const node of fn.node) reader.node(node, inner)
    return fn.output.map((name) => result(names.get(name), name, this.graph))
  }

  private opset(fn: FunctionProto, place: NodePlace): number {
    let opset = place.opset
    for (const { domain, version } of fn.opsetImport) {
      if (standard(domain) === '') opset = Number(version)
      else if (!this.graph.domains.has(domain)) this.graph.domains.set(domain, Number(version))
    }
    if (opset < oldestOpset) {
      throw unsupported(
        `function ${quote(fn.name)}: must use operator set ${oldestOpset} to ${currentOpset} or later, got ${opset}; convert the model`,
      )
    }
    return opset
  }
}

function keyOf(domain: string, name: string): string {
  return `${domain}.${name}`
}

/** Types of inputs, with made-up names of lengths by the order in which they come. */
function typesOf(inputs: readonly (Tensor | undefined)[]): string[] {
  const generated = new Map<string, string>()
  return inputs.map((input) => {
    const shape = input?.shape?.map((dim) => {
      if (!isGenerated(dim)) return dim
      const known = generated.get(String(dim)) ?? `?${generated.size}`
      generated.set(String(dim), known)
      return known
    })
    return input === undefined ? '-' : `${input.dtype} ${showShape(shape)}`
  })
}

/** An argument as text: by contents while they are short, or else by what holds them. */
function showArgument({ name, type, i, f, s, ints, floats, strings, t }: AttributeProto): string {
  const short = (list: Uint8Array | readonly unknown[]) => (list.length <= 64 ? list.join() : idOf(list))
  const texts = strings.map(short)
  return [name, type, i, f, short(s), short(ints), short(floats), short(texts), t && idOf(t)]
    .map(String)
    .join(';')
}

const ids = new WeakMap<object, number>()
let lastId = 0

function idOf(value: object): string {
  const id = ids.get(value) ?? ++lastId
  ids.set(value, id)
  return `#${id}`
}
