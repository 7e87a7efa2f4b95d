/** Softmax and normalisations. Inputs of the latter are `[N, C, ...]` with one scale and bias for each channel, unless said otherwise. */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { float, int } from '../graph/attribute'
import { dtypeCode, type DType } from '../graph/dtype'
import { emit, graphOf, type Operand } from './emit'
import type { Tensor } from '../graph/graph'
import { op } from './operands'

export interface NormalizationOptions {
  /** Added to the variance. @default 1e-5 */
  epsilon?: number
}

export interface AxisNormalizationOptions extends NormalizationOptions {
  /** The first of the axes that are normalised; all after it are, too. @default -1 */
  axis?: number
}

export interface GroupNormalizationOptions extends NormalizationOptions {
  num_groups: number
  /** The precision of mean and variance. @default 'float32' */
  stash_type?: DType
}

export function Softmax(x: Tensor, options: { axis?: number } = {}): Tensor {
  checkNames('Softmax', options, { axis: true })
  const { axis = -1 } = options
  return op('Softmax', [x], { attributes: { axis: int(axis) } })
}

export function LogSoftmax(x: Tensor, options: { axis?: number } = {}): Tensor {
  checkNames('LogSoftmax', options, { axis: true })
  const { axis = -1 } = options
  return op('LogSoftmax', [x], { attributes: { axis: int(axis) } })
}

/** Zero mean and unit variance over the last axes; `scale` and `bias` broadcast to `x`. */
export function LayerNormalization(
  x: Tensor,
  scale: Tensor,
  bias?: Tensor,
  options: AxisNormalizationOptions = {},
): Tensor {
  checkNames('LayerNormalization', options, { axis: true, epsilon: true })
  const { axis = -1, epsilon = 1e-5 } = options
  const inputs = bias === undefined ? [x, scale] : [x, scale, bias]
  return op('LayerNormalization', inputs, { attributes: { axis: int(axis), epsilon: float(epsilon) } })
}

/** Unit mean square over the last axes; `scale` broadcasts to `x`. Needs a graph of opset 23. */
export function RMSNormalization(x: Tensor, scale: Tensor, options: AxisNormalizationOptions = {}): Tensor {
  checkNames('RMSNormalization', options, { axis: true, epsilon: true })
  const { axis = -1, epsilon = 1e-5 } = options
  const { opset } = graphOf('RMSNormalization', [x])
  if (opset < 23) {
    throw new EvolmmError(
      'OPSET',
      `RMSNormalization: the graph must have opset 23 or later, got ${opset}; pass { opset: 23 } to Graph`,
    )
  }
  return op('RMSNormalization', [x, scale], { attributes: { axis: int(axis), epsilon: float(epsilon) } })
}

/** Zero mean and unit variance over the elements of each of `num_groups` groups of channels. */
export function GroupNormalization(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  options: GroupNormalizationOptions,
): Tensor {
  checkNames('GroupNormalization', options, { num_groups: true, stash_type: true, epsilon: true })
  const { num_groups, epsilon = 1e-5, stash_type = 'float32' } = options
  return op('GroupNormalization', [x, scale, bias], {
    attributes: {
      num_groups: int(num_groups),
      epsilon: float(epsilon),
      stash_type: int(dtypeCode(stash_type)),
    },
  })
}

/** Zero mean and unit variance over each channel of each sample. */
export function InstanceNormalization(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  options: NormalizationOptions = {},
): Tensor {
  checkNames('InstanceNormalization', options, { epsilon: true })
  const { epsilon = 1e-5 } = options
  return op('InstanceNormalization', [x, scale, bias], { attributes: { epsilon: float(epsilon) } })
}

/** The operator runs in inference mode: the mean and variance of each channel are given. */
export function BatchNormalization(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  mean: Tensor,
  variance: Tensor,
  options: NormalizationOptions = {},
): Tensor {
  checkNames('BatchNormalization', options, { epsilon: true })
  const { epsilon = 1e-5 } = options
  return op('BatchNormalization', [x, scale, bias, mean, variance], {
    attributes: { epsilon: float(epsilon) },
  })
}

/** `x` itself in inference mode. With `training_mode` true the runtime draws a mask, which has no gradient here. */
export function Dropout(x: Tensor, ratio?: Operand, training_mode?: Tensor): Tensor {
  const graph = graphOf('Dropout', [x])
  const share = typeof ratio === 'number' ? graph.constant('float32', [], [ratio]) : ratio
  return emit(graph, 'Dropout', training_mode === undefined ? [x, share] : [x, share, training_mode])[0]
}
