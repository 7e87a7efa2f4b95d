import { op } from '@evolmm/onnx'
import type { GradientCase, GradientCases } from '../support/gradient-case'

const single = { dtype: 'float32', tolerance: 2e-4, reason: 'no float64 kernel' } as const
const conv = (
  name: string,
  shapes: number[][],
  options: Parameters<typeof op.Conv>[3] = {},
): GradientCase => ({
  ...single,
  name,
  shapes,
  build: ([x, w, b]) => op.Conv(x, w, b, options),
})
const transpose = (
  name: string,
  shapes: number[][],
  options: Parameters<typeof op.ConvTranspose>[3] = {},
): GradientCase => ({ ...single, name, shapes, build: ([x, w, b]) => op.ConvTranspose(x, w, b, options) })

export const convolution: GradientCases = {
  Conv: [
    conv('one axis', [[2, 2, 5], [3, 2, 3], [3]]),
    conv(
      'padded',
      [
        [1, 2, 3, 4],
        [2, 2, 3, 2],
      ],
      { pads: [1, 0, 1, 2] },
    ),
    conv('strides that leave a rest', [[1, 1, 6, 5], [2, 1, 3, 2], [2]], {
      strides: [2, 2],
      pads: [1, 0, 0, 0],
    }),
    conv(
      'dilations',
      [
        [1, 1, 5, 4],
        [1, 1, 2, 2],
      ],
      { dilations: [3, 2] },
    ),
    conv('groups', [[2, 4, 4], [2, 2, 2], [2]], { group: 2, strides: [2] }),
    conv(
      'one group for each channel',
      [
        [1, 2, 3, 3],
        [2, 1, 2, 2],
      ],
      { group: 2 },
    ),
  ],
  ConvTranspose: [
    transpose('one axis', [[2, 2, 3], [2, 3, 2], [3]]),
    transpose(
      'strides and pads',
      [
        [1, 2, 2, 3],
        [2, 1, 3, 3],
      ],
      {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        output_padding: [1, 0],
      },
    ),
    transpose(
      'groups',
      [
        [1, 4, 3],
        [4, 1, 2],
      ],
      { group: 2, dilations: [2] },
    ),
  ],
  GlobalAveragePool: [{ ...single, shapes: [[2, 1, 3, 2]], build: ([x]) => op.GlobalAveragePool(op.Sin(x)) }],
}
