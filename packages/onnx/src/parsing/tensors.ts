/** Constants of a file, checked: nothing is allocated beyond what the bytes of the file hold. */
import { countOf } from '@evolmm/internal'
import { dtypeBytes, dtypeOf, type DType } from '../graph/dtype'
import { locationProblem, tensorData, type ExternalData, type TensorData } from '../graph/tensor-data'
import { TensorProto_DataLocation, type TensorProto } from '../proto/gen/onnx_pb'
import { invalid, quote, unsupported } from './invalid'

const converted = new WeakMap<TensorProto, TensorData>()

/** The contents of a constant. Bytes are a view of the file's, or converted once where they are a list of numbers. */
export function readTensor(proto: TensorProto, name: string): TensorData {
  const data = converted.get(proto) ?? read(proto, name)
  converted.set(proto, data)
  return data
}

function read(proto: TensorProto, name: string): TensorData {
  const where = `constant ${quote(name)}`
  const dtype = readDType(proto.dataType, where)
  if (dtype === 'string')
    throw unsupported(`${where}: must be numeric, got strings; text has to stay outside the model`, { name })
  const dims = proto.dims.map((dim) => readLength(dim, where))
  const size = countOf(dims)
  const length = size * dtypeBytes(dtype)
  if (!Number.isSafeInteger(length))
    throw invalid(`${where}: dimensions must have a sensible product, got [${dims.join(', ')}]`, {
      name,
      dims,
    })

  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL)
    return readExternal(proto, { dtype, dims }, length, where)
  const fields = typedFields(proto)
  const given = Object.entries(fields).filter(([, values]) => values.length > 0)
  if (proto.rawData.length > 0 || given.length === 0) {
    if (given.length > 0 || proto.rawData.length !== length) {
      throw invalid(
        `${where}: must hold ${length} bytes as [${dims.join(', ')}] says, got ${proto.rawData.length}`,
        { name, dims, dtype },
      )
    }
    return { dtype, dims, bytes: proto.rawData }
  }
  const values = fields[fieldOf[dtype]]
  if (given.length !== 1 || values.length !== size) {
    throw invalid(
      `${where}: ${dtype} [${dims.join(', ')}] must have ${size} values in ${fieldOf[dtype]}, got ${values.length}`,
      { name, dims, dtype },
    )
  }
  // The 16-bit floats are given as their bits.
  const bits = dtype === 'float16' || dtype === 'bfloat16'
  return { ...tensorData(bits ? 'uint16' : dtype, dims, values), dtype }
}

/** An element type of a file. */
export function readDType(code: number, where: string): DType {
  const dtype = dtypeOf(code)
  if (dtype === undefined)
    throw invalid(`${where}: must have an element type that this package knows, got number ${code}`, { code })
  return dtype
}

/** A length of an axis. */
export function readLength(dim: bigint, where: string): number {
  if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalid(`${where}: dimensions must be 0 or more and below 2^53, got ${dim}`, { dim: String(dim) })
  return Number(dim)
}

type Field = keyof ReturnType<typeof typedFields>

function typedFields({ floatData, doubleData, int32Data, int64Data, uint64Data, stringData }: TensorProto) {
  return { floatData, doubleData, int32Data, int64Data, uint64Data, stringData: stringData.map(() => 0) }
}

const fieldOf: Readonly<Record<DType, Field>> = {
  float32: 'floatData',
  float64: 'doubleData',
  int64: 'int64Data',
  uint64: 'uint64Data',
  uint32: 'uint64Data',
  int32: 'int32Data',
  int16: 'int32Data',
  int8: 'int32Data',
  uint16: 'int32Data',
  uint8: 'int32Data',
  bool: 'int32Data',
  float16: 'int32Data',
  bfloat16: 'int32Data',
  string: 'stringData',
}

function readExternal(
  proto: TensorProto,
  type: { dtype: DType; dims: readonly number[] },
  expected: number,
  where: string,
): ExternalData {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]))
  const number = (key: string, otherwise: number): number => {
    const text = entries.get(key)
    if (text === undefined) return otherwise
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    if (!Number.isSafeInteger(value))
      throw invalid(`${where}: ${key} of its data must be a whole number of bytes, got ${quote(text)}`, {
        [key]: text,
      })
    return value
  }
  const location = entries.get('location') ?? ''
  const problem = locationProblem(location)
  if (problem !== undefined)
    throw invalid(`${where}: the file of its data ${problem}, got ${quote(location)}`, { location })
  const [offset, length] = [number('offset', 0), number('length', expected)]
  if (length !== expected) {
    throw invalid(
      `${where}: its data must be ${expected} bytes as [${type.dims.join(', ')}] says, got ${length}`,
      { location, offset, length },
    )
  }
  return { ...type, location, offset, length }
}
