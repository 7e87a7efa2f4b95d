/** Constants of a file replaced: how trained weights go back to where they came from. */
import { toBinary } from '@bufbuild/protobuf'
import { EvolmmError } from './errors'
import { kindOf } from './graph/graph'
import { checkTensorData, type TensorData } from './graph/tensor-data'
import { decode } from './parse'
import { readTensor } from './parsing/tensors'
import { ModelProtoSchema } from './proto/gen/onnx_pb'
import { initializerOf } from './read-initializer'
import { tensorProto } from './writing/messages'

/** No message of a file may be longer. */
const maxBytes = 2 ** 31 - 1

/**
 * The bytes of `model` with other contents of some initializers, by name; `model` itself, and all else in it, stay as
 * they are. Contents must have the type and shape of the initializer. Inline contents become part of the file, those
 * of an initializer in a file beside it too, which is not touched; what lies in another file already may be given as
 * its place.
 */
export function writeInitializers(
  model: Uint8Array | ArrayBuffer,
  contents: Readonly<Record<string, TensorData>>,
): Uint8Array {
  checkContents(contents)
  const message = decode(model)
  for (const [name, data] of Object.entries(contents)) {
    const proto = initializerOf(message, name, 'writeInitializers')
    checkAlike(name, data, readTensor(proto, name))
    const written = tensorProto(name, data)
    written.docString = proto.docString
    if (proto.$unknown !== undefined) written.$unknown = proto.$unknown
    message.graph?.initializer.splice(message.graph.initializer.indexOf(proto), 1, written)
  }
  checkLength(message.graph?.initializer.map(({ rawData }) => rawData.length) ?? [])
  return toBinary(ModelProtoSchema, message)
}

function checkContents(contents: unknown): void {
  if (typeof contents !== 'object' || contents === null || Array.isArray(contents) || contents instanceof Map)
    throw new EvolmmError(
      'INVALID_OPTION',
      `writeInitializers: contents must be an object from names to tensor data, got ${kindOf(contents)}; write { weight: tensorData(...) }`,
      { details: { option: 'contents' } },
    )
  for (const [name, data] of Object.entries(contents) as [string, unknown][]) {
    const given = (typeof data === 'object' && data !== null ? data : {}) as Partial<TensorData>
    const isPlaced = 'location' in given && typeof given.location === 'string'
    if (!isPlaced && !('bytes' in given && (given.bytes as unknown) instanceof Uint8Array))
      throw new EvolmmError(
        'DATA_TYPE',
        `writeInitializers: the contents of ${JSON.stringify(name)} must be tensor data, got ${kindOf(data)}; make them with tensorData(type, dims, values)`,
        { details: { name } },
      )
  }
}

function checkAlike(name: string, given: TensorData, known: TensorData): void {
  if (given.dtype !== known.dtype)
    throw new EvolmmError(
      'DATA_TYPE',
      `writeInitializers: ${JSON.stringify(name)} must be ${known.dtype} as in the model, got ${given.dtype}; convert the values`,
      { details: { name, expected: known.dtype, got: given.dtype } },
    )
  checkTensorData(`writeInitializers: ${JSON.stringify(name)}`, given)
  if (given.dims.join() !== known.dims.join())
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `writeInitializers: ${JSON.stringify(name)} must have the shape [${known.dims.join(', ')}] as in the model, got [${given.dims.join(', ')}]; the model would not open with it`,
      { details: { name, expected: known.dims, got: given.dims } },
    )
}

function checkLength(lengths: readonly number[]): void {
  const total = lengths.reduce((sum, length) => sum + length, 0)
  if (total > maxBytes)
    throw new EvolmmError(
      'DATA_SIZE',
      `writeInitializers: inline contents must be below 2 GiB together, got ${total} bytes; write them to a file beside the model and give their place in it`,
      { details: { bytes: total } },
    )
}
