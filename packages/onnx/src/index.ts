// 1. Graphs
export { Graph, Scope, type GraphFunction, type Node, type Tensor } from './graph/graph'
export { tensorData, type ExternalData, type InlineData, type TensorData } from './graph/tensor-data'
export type { DType } from './graph/dtype'
export type { Dim, Shape } from './graph/shape'
export type { Attribute } from './graph/attribute'
export { describe } from './describe'
export { serialize } from './serialize'

// 2. Gradients
export { grad, type GradOptions } from './grad/grad'
export { stopGradient } from './grad/stop-gradient'
export { checkpoint } from './grad/checkpoint'
export { customOp, type CustomOp } from './grad/custom-op'

// 3. Operators, named as in the standard
export * as op from './ops/index'
export type { Operand } from './graph/emit'
export type { Integers } from './ops/operands'

export { EvolmmError } from '@evolmm/internal'
