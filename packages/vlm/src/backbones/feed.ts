/** Inputs of programs, declared and fed. */
import type { DType, Shape } from '@evolmm/onnx'

export interface InputDeclaration {
  name: string
  dtype: DType
  shape: Shape
  /** True if runs of one image go without it. @default false */
  several?: boolean
}

export interface Feed {
  dtype: 'float32' | 'float64' | 'int64' | 'int32'
  dims: readonly number[]
  data: Float32Array | Float64Array | BigInt64Array | Int32Array
}
