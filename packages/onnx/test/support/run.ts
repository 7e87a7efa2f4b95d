/** Run a graph in ONNX Runtime. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { serialize, type Graph } from '@evolmm/onnx'

export type Values = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array
export interface Value {
  dims: readonly number[]
  data: Values
}

export type Runner = (feeds: Record<string, Value>) => Promise<Record<string, Value>>

/** A session for `graph`, as a function from named inputs to named outputs. */
export async function runner(graph: Graph, options: InferenceSession.SessionOptions = {}): Promise<Runner> {
  return openFile(serialize(graph), graph, options)
}

/** The same for a file of the graph. */
export async function openFile(
  bytes: Uint8Array,
  graph: Graph,
  options: InferenceSession.SessionOptions = {},
): Promise<Runner> {
  // Threads that wait for others keep a core busy, and every core has a process of tests already.
  const session = await InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    ...options,
  })
  return async (feeds) => {
    const given = Object.fromEntries(
      Object.entries(feeds).map(([name, { dims, data }]) => [
        name,
        new OrtTensor(typeOf(graph, name), data as Float32Array, dims),
      ]),
    )
    const results = await session.run(given)
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [
        name,
        { dims: tensor.dims, data: tensor.data as Values },
      ]),
    )
  }
}

function typeOf(graph: Graph, name: string): 'float32' {
  const input = graph.body.inputs.find((tensor) => tensor.name === name)
  if (input === undefined) throw new Error(`no input ${name}`)
  return input.dtype as 'float32'
}
