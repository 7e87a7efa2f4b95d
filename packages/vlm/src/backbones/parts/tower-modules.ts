/** Norms and MLPs that vision towers are made of. */
import { gatedSilu, op, rmsNorm, type Tensor } from '@evolmm/onnx'
import type { TowerModule } from './patch-tower'
import { linearWeights } from './weight-shapes'

/** Root-mean-square normalisation without a bias. */
export function rmsNormModule(width: number, epsilon: number): TowerModule {
  return {
    weights: (name) => [[`${name}.weight`, [width]]],
    apply: ({ weight }, x, name) => rmsNorm({ x, weight: weight(`${name}.weight`), epsilon }),
  }
}

/** Layer normalisation with a bias. */
export function layerNormModule(width: number, epsilon: number): TowerModule {
  return {
    weights: (name) => [
      [`${name}.weight`, [width]],
      [`${name}.bias`, [width]],
    ],
    apply: ({ weight }, x, name) =>
      op.LayerNormalization(x, weight(`${name}.weight`), weight(`${name}.bias`), {
        epsilon,
      }),
  }
}

/** `down(silu(gate x) * up x)`, with biases. */
export function gatedMlpModule(width: number, inner: number): TowerModule {
  return {
    weights: (name) => [
      ...linearWeights(`${name}.gate_proj`, [inner, width], true),
      ...linearWeights(`${name}.up_proj`, [inner, width], true),
      ...linearWeights(`${name}.down_proj`, [width, inner], true),
    ],
    apply: ({ linear }, x, name) => {
      const gate = linear(x, `${name}.gate_proj`)
      return linear(gatedSilu({ gate, up: linear(x, `${name}.up_proj`) }), `${name}.down_proj`)
    },
  }
}

/** `fc2(activation(fc1 x))`, with biases. */
export function plainMlpModule(width: number, inner: number, activation: (x: Tensor) => Tensor): TowerModule {
  return {
    weights: (name) => [
      ...linearWeights(`${name}.fc1`, [inner, width], true),
      ...linearWeights(`${name}.fc2`, [width, inner], true),
    ],
    apply: ({ linear }, x, name) => linear(activation(linear(x, `${name}.fc1`)), `${name}.fc2`),
  }
}
