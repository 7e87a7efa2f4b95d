/**
 * `parse` makes a graph of the bytes of an `.onnx` file. The bytes may come from anywhere: whatever is wrong with
 * them is an `EvolmmError`, and nothing is allocated beyond what they hold.
 */
import { checkNames } from '@evolmm/internal'
import { fromBinary } from '@bufbuild/protobuf'
import { isLfsPointer, lfsPointerRule } from '@evolmm/internal'
import { EvolmmError, type OnnxErrorCode } from './errors'
import { Graph, kindOf } from './graph/graph'
import { Functions } from './parsing/functions'
import { invalid, quote, unsupported } from './parsing/invalid'
import { keep } from './graph/kept'
import { Names, reserveNames } from './parsing/names'
import { currentOpset, oldestOpset } from './parsing/raise'
import { standard } from './parsing/place'
import { ScopeReader } from './parsing/scopes'
import { readTensor } from './parsing/tensors'
import { readType } from './parsing/types'
import { ModelProtoSchema, type GraphProto, type ModelProto } from './proto/gen/onnx_pb'

export interface ParseOptions {
  /**
   * Put the nodes of model-local functions in the place of their calls, so that they can be differentiated: functions
   * from files have no gradient rule of their own. @default false
   */
  inlineFunctions?: boolean
  /** Names of constants that become inputs of the graph; their contents are dropped. @default none */
  initializersAsInputs?: readonly string[]
}

/** Messages within messages: 64 bodies, each a graph, a node and an attribute, and what is around and within. */
const maxMessages = 220

/**
 * The graph of a model, given as the bytes of a file. Standard operators of sets 13 to 20 are raised to 21; `Constant` nodes become constants.
 * Constants are views of `bytes`. Functions that nothing calls are dropped.
 */
export function parse(bytes: Uint8Array | ArrayBuffer, options: ParseOptions = {}): Graph {
  checkNames('parse', options, { inlineFunctions: true, initializersAsInputs: true })
  try {
    return readModel(decode(bytes), options)
  } catch (error) {
    if (error instanceof EvolmmError && passed.has(error.code)) throw error
    const details = error instanceof EvolmmError ? error.details : {}
    throw invalid(
      `model: must be sound, got: ${error instanceof Error ? error.message : 'an error'}`,
      details,
      error,
    )
  }
}

const passed = new Set<OnnxErrorCode>(['INVALID_MODEL', 'UNSUPPORTED_MODEL', 'INVALID_OPTION'])

/** The messages of a file, of which nothing is checked yet. */
export function decode(bytes: Uint8Array | ArrayBuffer): ModelProto {
  const plain = plainBytes(bytes)
  if (isLfsPointer(plain)) throw invalid(`model: ${lfsPointerRule}`, { bytes: plain.length })
  try {
    return fromBinary(ModelProtoSchema, plain, { recursionLimit: maxMessages })
  } catch (cause) {
    throw invalid(
      `model: must be an ONNX file, got ${plain.length} bytes that are not: ${cause instanceof Error ? cause.message : ''}`,
      { bytes: plain.length },
      cause,
    )
  }
}

/** A view of the bytes that is no Buffer, whose views would be Buffers too and copy differently. */
function plainBytes(bytes: unknown): Uint8Array {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Not `instanceof`: buffers may come from another realm.
  if (Object.prototype.toString.call(bytes) === '[object ArrayBuffer]')
    return new Uint8Array(bytes as ArrayBuffer)
  throw new EvolmmError(
    'INVALID_OPTION',
    `model: must be the bytes of a file, as a Uint8Array or ArrayBuffer, got ${kindOf(bytes)}; read the file first`,
  )
}

function readModel(model: ModelProto, options: ParseOptions): Graph {
  const proto = model.graph
  if (proto === undefined) throw invalid('model: must have a graph, got none')
  if (model.irVersion < 1n) throw invalid(`model: must have an IR version, got ${model.irVersion}`)
  const { opset, domains } = readOpsets(model)
  const graph = new Graph(proto.name === '' ? 'graph' : proto.name, { opset: Math.max(opset, currentOpset) })
  for (const [domain, version] of domains) graph.domains.set(domain, version)
  for (const { key, value } of model.metadataProps) graph.metadata.set(key, value)
  const main = reserveNames(model, graph)
  const functions = new Functions(model.functions, graph, options.inlineFunctions ?? false)
  const reader = new ScopeReader(graph, main, functions)
  const names = new Names()
  readInputs(proto, graph, names, { ...options, overridable: model.irVersion >= 4n })
  const declared = reader.declaredTypes([...proto.valueInfo, ...proto.output])
  reader.contents(proto, graph.body, {
    names,
    main: true,
    opset,
    declared,
    parameters: undefined,
    depth: 0,
    nodes: proto.node,
  })
  keep(graph, model)
  return graph
}

function readOpsets({ opsetImport }: ModelProto): { opset: number; domains: Map<string, number> } {
  const all = new Map<string, number>()
  for (const { domain, version } of opsetImport) {
    const name = standard(domain)
    if (all.has(name)) throw invalid(`model: must import each operator set once, got ${quote(name)} twice`)
    if (version < 1n || version > BigInt(Number.MAX_SAFE_INTEGER))
      throw invalid(`model: versions of operator sets must be 1 or more, got ${version} of ${quote(name)}`)
    all.set(name, Number(version))
  }
  const opset = all.get('')
  if (opset === undefined) throw invalid('model: must import the standard operators, got no version of them')
  if (opset < oldestOpset) {
    throw unsupported(
      `model: must use operator set ${oldestOpset} or later, got ${opset}; convert it with onnx.version_converter`,
      { opset },
    )
  }
  all.delete('')
  return { opset, domains: all }
}

/** Inputs of the main graph. One that repeats a constant has it as its default; before IR version 4 it is just that constant. */
function readInputs(
  proto: GraphProto,
  graph: Graph,
  names: Names,
  { initializersAsInputs = [], overridable }: ParseOptions & { overridable: boolean },
): void {
  const constants = new Map(proto.initializer.map((constant) => [constant.name, constant]))
  if (constants.size < proto.initializer.length) throw invalid('graph: constants must have different names')
  const asInputs = new Set(initializersAsInputs)
  for (const name of asInputs) {
    if (!constants.has(name)) {
      throw new EvolmmError(
        'INVALID_OPTION',
        `initializersAsInputs: must be names of constants of the model, got ${quote(name)}; there are: ${[...constants.keys()].join(', ')}`,
        { details: { name } },
      )
    }
  }
  for (const info of proto.input) {
    const constant = constants.get(info.name)
    if (constant !== undefined && (!overridable || asInputs.has(info.name))) continue
    const data = constant && readTensor(constant, info.name)
    const type = data === undefined ? readType(info, graph) : { dtype: data.dtype, shape: data.dims }
    if (type === undefined)
      throw invalid(`input ${quote(info.name)}: must have a type, got none`, { name: info.name })
    const input = graph.tensor({ name: graph.claim(info.name), ...type, scope: graph.body, data })
    graph.body.inputs.push(input)
    if (data !== undefined) graph.body.initializers.push(input)
    names.define(info.name, input)
  }
  for (const name of asInputs) {
    const constant = constants.get(name)
    if (constant === undefined) continue
    const { dtype, dims } = readTensor(constant, name)
    names.define(name, graph.input(name, dtype, dims))
  }
}
