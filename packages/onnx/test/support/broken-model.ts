/** Models to break: small messages with parts replaced. */
import { create, toBinary } from '@bufbuild/protobuf'
import { EvolmmError, parse } from '@evolmm/onnx'
import { ModelProtoSchema, TensorProto_DataLocation } from '../../src/proto/gen/onnx_pb'

/** Init objects of messages. */
type Init = Parameters<typeof create<typeof ModelProtoSchema>>[1]
type GraphInit = NonNullable<NonNullable<Init>['graph']>

export const float = (...dims: (number | string)[]) => ({
  tensorType: {
    elemType: 1,
    shape: {
      dim: dims.map((dim) => ({
        value:
          typeof dim === 'number'
            ? ({ case: 'dimValue', value: BigInt(dim) } as const)
            : ({ case: 'dimParam', value: dim } as const),
      })),
    },
  },
})

/** A model x → y around `graph`, with parts replaced. */
export function model(graph: Record<string, unknown>, rest: Record<string, unknown> = {}): Uint8Array {
  const sound: GraphInit = {
    name: 'g',
    input: [{ name: 'x', type: float(2) }],
    output: [{ name: 'y', type: float(2) }],
    node: [{ opType: 'Exp', input: ['x'], output: ['y'] }],
  }
  const init = {
    irVersion: 10n,
    opsetImport: [{ domain: '', version: 21n }],
    graph: { ...sound, ...graph },
    ...rest,
  } as Init
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, init))
}

export const node = (
  opType: string,
  input: string[],
  output: string[],
  attribute: object[] = [],
  domain = '',
) => ({
  opType,
  input,
  output,
  attribute,
  domain,
})
export const tensor = (fields: Record<string, unknown>) => ({ name: 'w', dataType: 1, dims: [2n], ...fields })
export const external = (location: string, more: Record<string, string> = {}) =>
  tensor({
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries({ location, ...more }).map(([key, value]) => ({ key, value })),
  })

export function refusal(bytes: Uint8Array): EvolmmError {
  try {
    parse(bytes)
  } catch (error) {
    if (error instanceof EvolmmError) return error
    throw error
  }
  throw new Error('parsed')
}

/** The node of a model that is broken elsewhere. */
export const y = [node('Exp', ['x'], ['y'])]
