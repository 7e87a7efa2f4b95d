/** Weights that lie in files, and what is made of them by a change of type, for all models that are joined. */
import { create } from '@bufbuild/protobuf'
import {
  NodeProtoSchema,
  TensorProto_DataLocation,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from '../proto/gen/onnx_pb'

export interface SharedWeights {
  initializers: readonly TensorProto[]
  casts: readonly NodeProto[]
  /** Takes them out of a graph, and returns their names by those that they have in it. */
  take: (graph: GraphProto) => ReadonlyMap<string, string>
}

export function sharedWeights(): SharedWeights {
  const initializers = new Map<string, TensorProto>()
  const casts = new Map<string, NodeProto>()

  const takeInitializers = (graph: GraphProto, taken: Map<string, string>): void => {
    graph.initializer = graph.initializer.filter((tensor) => {
      if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return true
      const place = placeOf(tensor)
      const shared = initializers.get(place) ?? { ...tensor, name: `weight ${initializers.size}` }
      initializers.set(place, shared)
      taken.set(tensor.name, shared.name)
      return false
    })
  }
  // A runtime makes them once, when it opens the model.
  const takeCasts = (graph: GraphProto, taken: Map<string, string>): void => {
    const outputs = new Set(graph.output.map(({ name }) => name))
    const gone = new Set<string>()
    graph.node = graph.node.filter((node) => {
      for (const { g } of node.attribute) if (g !== undefined) takeCasts(g, taken)
      const weight = taken.get(node.input[0])
      if (node.opType !== 'Cast' || node.domain !== '' || weight === undefined) return true
      if (outputs.has(node.output[0])) return true
      const key = `${weight} as ${node.attribute.map(({ name, i }) => `${name} ${i}`).join()}`
      const known = casts.get(key)
      if (known === undefined)
        casts.set(key, create(NodeProtoSchema, { ...node, name: key, input: [weight], output: [key] }))
      taken.set(node.output[0], key)
      gone.add(node.output[0])
      return false
    })
    graph.valueInfo = graph.valueInfo.filter(({ name }) => !gone.has(name))
  }
  return {
    get initializers() {
      return [...initializers.values()]
    },
    get casts() {
      return [...casts.values()]
    },
    take: (graph) => {
      const taken = new Map<string, string>()
      takeInitializers(graph, taken)
      takeCasts(graph, taken)
      return taken
    },
  }
}

/** The place of a tensor in files, with its type and shape. */
function placeOf({ externalData, dataType, dims }: TensorProto): string {
  return JSON.stringify([externalData.map(({ key, value }) => [key, value]), dataType, dims.map(String)])
}
