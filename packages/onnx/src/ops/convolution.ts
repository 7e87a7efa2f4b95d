/** Convolutions over any number of spatial axes: inputs are [N, C, ...]. */
import { checkNames } from '@evolmm/internal'
import { int, ints, type Attribute } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { op } from './operands'

export interface ConvOptions {
  /** Distance between places of the kernel, for each spatial axis. @default 1 */
  strides?: readonly number[] | undefined
  /** Distance between elements of the kernel. @default 1 */
  dilations?: readonly number[] | undefined
  /** Zeros around the input: before each spatial axis, then after each. @default 0 */
  pads?: readonly number[] | undefined
  /** Groups of channels that have nothing to do with each other. @default 1 */
  group?: number
}

export interface ConvTransposeOptions extends ConvOptions {
  /** More elements at the ends of the output. @default 0 */
  output_padding?: readonly number[] | undefined
}

/** Convolution with `weight` [O, C / group, ...] and `bias` [O]. */
export function Conv(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  checkNames('Conv', options, { strides: true, dilations: true, pads: true, group: true })
  return op('Conv', [x, weight, bias], { attributes: attributesOf(options) })
}

/** The transpose of a convolution, with `weight` [C, O / group, ...] and `bias` [O]; `pads` are cut off. */
export function ConvTranspose(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvTransposeOptions = {},
): Tensor {
  checkNames('ConvTranspose', options, {
    strides: true,
    dilations: true,
    pads: true,
    group: true,
    output_padding: true,
  })
  return op('ConvTranspose', [x, weight, bias], { attributes: attributesOf(options) })
}

/** The mean over all spatial axes, which stay with length 1. */
export function GlobalAveragePool(x: Tensor): Tensor {
  return op('GlobalAveragePool', [x])
}

function attributesOf({ group = 1, ...lists }: ConvTransposeOptions): Record<string, Attribute> {
  const attributes: Record<string, Attribute> = { group: int(group) }
  const given: Record<string, readonly number[] | undefined> = lists
  for (const [name, list] of Object.entries(given)) if (list !== undefined) attributes[name] = ints(list)
  return attributes
}
