// Everything that needs no file system: what a bundler for browsers gets.

// 1. Graphs
export {
  Graph,
  type Scope,
  type CustomBackward,
  type GradientFunction,
  type GraphFunction,
  type Node,
  type Region,
  type Tensor,
} from './graph/graph'
export { tensorData, type ExternalData, type InlineData, type TensorData } from './graph/tensor-data'
export type { DType } from './graph/dtype'
export type { Dim, Shape } from './graph/shape'
export type { Attribute } from './graph/attribute'
export { describe } from './describe'
export { tensorValues, type TensorValues } from './graph/tensor-values'
export { parse, type ParseOptions } from './parse'
export { serialize, type SerializeOptions } from './serialize'
export { joinModels, type JoinedInput, type JoinedModel, type JoinedPart } from './join-models'
export { readInitializer } from './read-initializer'
export { writeInitializers } from './write-initializers'

// 2. Gradients
export { grad, type GradOptions } from './grad/grad'
export { differentiate, type DifferentiateOptions } from './differentiate'
export { stopGradient } from './grad/stop-gradient'
export { checkpoint } from './grad/checkpoint'
export { customOp, type CustomOp } from './grad/custom-op'

// 3. Operators, named as in the standard
export * as op from './ops/index'
export type { Operand } from './ops/emit'
export type { Integers } from './ops/operands'

// 4. Training parts
export { loraLinear, type LoraLinearOptions } from './training/lora-linear'
export {
  quantizedLinear,
  type QuantizedLinearOptions,
  type QuantizedMatrix,
} from './training/quantized-linear'
export { rmsNorm, type RmsNormOptions } from './training/rms-norm'
export { rotary, type RotaryOptions } from './training/rotary'
export { attention, type AttentionOptions } from './training/attention'
export { rowChunks, type RowChunk, type RowChunksOptions } from './training/row-chunks'
export { gatedSilu, type GatedSiluOptions } from './training/gated-silu'
export { dropout, type DropoutOptions } from './training/dropout'
export { policyLoss, type KlOptions, type PolicyLoss, type PolicyLossOptions } from './training/policy-loss'
export { pickLogProbabilities } from './training/pick-log-probabilities'
export { exactKl, entropy } from './training/exact-kl'
export { adamWProgram, type AdamWOptions } from './training/adamw'
export { globalNorm } from './training/global-norm'
export {
  flattenParameters,
  parameterLayout,
  sliceParameters,
  type ParameterLayout,
} from './training/flat-parameters'

export { EvolmmError, type OnnxErrorCode } from './errors'
