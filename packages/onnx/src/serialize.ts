/** `serialize` makes the bytes of an `.onnx` file of a graph. */
import { create, toBinary } from '@bufbuild/protobuf'
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from './errors'
import type { Graph, GraphFunction, Scope, Tensor } from './graph/graph'
import { isTypeKept, restore } from './graph/kept'
import {
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type FunctionProto,
  type GraphProto,
  type OperatorSetIdProto,
} from './proto/gen/onnx_pb'
import { flatGraph } from './writing/flat-graph'
import {
  attributeProto,
  dataOf,
  entry,
  nodeProto,
  tensorProto,
  valueInfo,
  type Writing,
} from './writing/messages'

/** IR version 10: functions, opset 21 and later, 4-bit types. */
const irVersion = 10n

export interface SerializeOptions {
  /**
   * True writes what the runtime opens soonest and runs in the least memory: calls of functions as the nodes that they stand
   * for, the shape of every result, and no node that the outputs do not need. A viewer shows more in a file without it.
   * @default false
   */
  flat?: boolean
}

/** The bytes of a model. Inline constants are part of them: keep large weights in files (`ExternalData`). */
export function serialize(graph: Graph, options: SerializeOptions = {}): Uint8Array {
  checkNames('serialize', options, { flat: true })
  const { flat = false } = options
  if (graph.body.outputs.length === 0) {
    throw new EvolmmError(
      'NO_OUTPUT',
      `graph "${graph.name}": must have an output, got none; call graph.output`,
    )
  }
  const functions = [...graph.functions.values()]
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: 'evolmm',
    graph: flat ? flatGraph(graph) : graphProto(graph.body),
    opsetImport: opsets(graph),
    functions: flat ? [] : functions.map((fn) => functionProto(graph, fn)),
    metadataProps: [...graph.metadata].map(([key, value]) => entry(key, value)),
  })
  return toBinary(ModelProtoSchema, restore(graph, model))
}

function opsets(graph: Graph): OperatorSetIdProto[] {
  return [['', graph.opset] as const, ...graph.domains].map(([domain, version]) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  )
}

/** Everything as it is in the graph. */
const writing: Writing = { name: ({ name }) => name, body: graphProto }

function graphProto(scope: Scope): GraphProto {
  const outputs = new Set(scope.outputs)
  const declared = declaredIn(scope).filter((tensor) => !outputs.has(tensor))
  const message = create(GraphProtoSchema, {
    name: scope.name,
    node: scope.nodes.map((node) => nodeProto(node, writing)),
    initializer: scope.initializers.map((tensor) => tensorProto(tensor.name, dataOf(tensor))),
    input: scope.inputs.map((tensor) => valueInfo(tensor)),
    output: scope.outputs.map((tensor) => valueInfo(tensor)),
    valueInfo: declared.map((tensor) => valueInfo(tensor)),
  })
  return restore(scope, message)
}

/** Results of which a file said more than inference finds. */
function declaredIn({ nodes }: Scope): Tensor[] {
  const results = nodes.flatMap(({ outputs }) => outputs)
  return results.filter((tensor) => tensor !== undefined).filter(isTypeKept)
}

/** Functions have no initializers: constants become nodes. */
function functionProto(graph: Graph, { name, domain, body }: GraphFunction): FunctionProto {
  const constants = body.initializers.map((tensor) =>
    create(NodeProtoSchema, {
      opType: 'Constant',
      output: [tensor.name],
      attribute: [attributeProto('value', { type: 'tensor', value: dataOf(tensor) }, graphProto)],
    }),
  )
  return create(FunctionProtoSchema, {
    name,
    domain,
    input: body.inputs.map((tensor) => tensor.name),
    output: body.outputs.map((tensor) => tensor.name),
    node: [...constants, ...body.nodes.map((node) => nodeProto(node, writing))],
    opsetImport: opsets(graph),
    valueInfo: declaredIn(body).map((tensor) => valueInfo(tensor)),
  })
}
