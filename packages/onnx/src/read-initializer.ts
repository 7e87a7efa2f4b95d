/** Constants of a file by name, as they are there: nothing else of the file is looked at. */
import { EvolmmError } from './errors'
import { kindOf } from './graph/graph'
import type { TensorData } from './graph/tensor-data'
import { decode } from './parse'
import { invalid, quote } from './parsing/invalid'
import { readTensor } from './parsing/tensors'
import type { ModelProto, TensorProto } from './proto/gen/onnx_pb'

/**
 * The initializer `name` of a model, given as the bytes of a file. Inline data are a view of them; of data in a file
 * beside the model it is the place, which `readExternalData` reads.
 */
export function readInitializer(model: Uint8Array | ArrayBuffer, name: string): TensorData {
  return readTensor(initializerOf(decode(model), name, 'readInitializer'), name)
}

/** The message of an initializer; `caller` is named where there is none. */
export function initializerOf({ graph }: ModelProto, name: string, caller: string): TensorProto {
  if (graph === undefined) throw invalid('model: must have a graph, got none')
  const found = graph.initializer.filter((each) => each.name === name)
  if (found.length > 1) throw invalid(`graph: constants must have different names, got ${quote(name)} twice`)
  if (found.length === 1) return found[0]
  const names = graph.initializer.map((each) => each.name)
  const more = names.length > 50 ? ` and ${names.length - 50} more` : ''
  throw new EvolmmError(
    'UNKNOWN_NAME',
    `${caller}: must name an initializer of the model, got ${typeof name === 'string' ? quote(name) : kindOf(name)}; ` +
      `there are: ${names.slice(0, 50).map(quote).join(', ')}${more}`,
    { details: { name, names } },
  )
}
