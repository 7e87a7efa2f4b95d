/** What goes into a joined model and comes out of it. */
import { create } from '@bufbuild/protobuf'
import { dtypeCode, type DType } from '../graph/dtype'
import { invalid, quote } from '../parsing/invalid'
import { readDType } from '../parsing/tensors'
import {
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type ValueInfoProto,
} from '../proto/gen/onnx_pb'

/** A value of that type; its lengths have names, or nothing is said of its shape. */
export function typedValue(name: string, dtype: DType, lengths?: readonly string[]): ValueInfoProto {
  const dim = lengths?.map((value) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: 'dimParam', value } }),
  )
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: dtypeCode(dtype),
    ...(dim && { shape: create(TensorShapeProtoSchema, { dim }) }),
  })
  return create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { tensorType }) })
}

export function typeOf({ name, type }: ValueInfoProto): { dtype: DType; lengths: readonly string[] } {
  const tensor = type?.tensorType
  if (tensor?.shape === undefined)
    throw invalid(`joinModels: ${quote(name)} must say its type and shape, got none`, { name })
  // Where a model does not run, it is given nothing: lengths that are numbers would be wrong.
  const lengths = tensor.shape.dim.map(({ value }, axis) =>
    value.case === 'dimParam' ? value.value : `${name} ${axis}`,
  )
  return { dtype: readDType(tensor.elemType, quote(name)), lengths }
}
