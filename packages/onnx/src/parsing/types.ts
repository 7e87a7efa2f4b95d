/** Types that a file declares, and what becomes of them beside those that inference finds. */
import type { Graph } from '../graph/graph'
import { isGenerated, type Dim, type Shape } from '../graph/shape'
import type { Inferred } from '../infer/context'
import type { TensorShapeProto_Dimension, TypeProto, ValueInfoProto } from '../proto/gen/onnx_pb'
import { invalid, quote, unsupported } from './invalid'
import { readDType, readLength } from './tensors'

/** The declared type, or `undefined` when nothing is declared. */
export function readType(info: ValueInfoProto, graph: Graph): Inferred | undefined {
  const { type } = info
  if (type === undefined) return undefined
  const where = `value ${quote(info.name)}`
  const tensor = tensorType(type, where)
  if (tensor === undefined || tensor.elemType === 0) return undefined
  const dim = ({ value }: TensorShapeProto_Dimension): Dim => {
    if (value.case === 'dimValue') return readLength(value.value, where)
    return value.case === 'dimParam' && value.value !== '' ? value.value : graph.fresh('unknown')
  }
  return { dtype: readDType(tensor.elemType, where), shape: tensor.shape?.dim.map(dim) }
}

function tensorType({ tensorType: tensor, $unknown }: TypeProto, where: string): TypeProto['tensorType'] {
  if (tensor === undefined && $unknown !== undefined)
    throw unsupported(`${where}: must be a tensor, got a sequence, map, optional or sparse tensor`)
  return tensor
}

/**
 * What inference found, made more precise by what the file declares. Where two lengths contradict each other,
 * inference is right: declared lengths of results are known to be stale in files that were edited.
 */
export function refine(found: Inferred | undefined, declared: Inferred | undefined, name: string): Inferred {
  if (found === undefined || declared === undefined)
    return found ?? declared ?? { dtype: 'float32', shape: undefined }
  if (found.dtype !== declared.dtype) {
    throw invalid(
      `value ${quote(name)}: must be ${found.dtype} as what makes it says, got ${declared.dtype} declared`,
      {
        name,
        found: found.dtype,
        declared: declared.dtype,
      },
    )
  }
  return { ...found, shape: refineShape(found.shape, declared.shape) }
}

function refineShape(found: Shape | undefined, declared: Shape | undefined): Shape | undefined {
  if (found === undefined) return declared
  if (declared?.length !== found.length) return found
  return found.map((dim, axis) => {
    const said = declared[axis]
    if (typeof dim === 'number') return dim
    if (typeof said === 'number') return said
    return isGenerated(dim) && !isGenerated(said) ? said : dim
  })
}
