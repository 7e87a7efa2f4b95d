/** Qwen2.5-VL: most blocks of its vision tower attend within windows of the image, some over all of it. */
import { gatedSilu, rmsNorm } from '@evolmm/onnx'
import type { Architecture, Backbone } from '../backbone'
import { mropeBackbone } from '../parts/mrope-backbone'
import { grouped, type PatchPlace } from '../parts/patch-places'
import type { TowerModule } from '../parts/patch-tower'
import { publishedNames } from '../parts/published-names'
import { linearWeights } from '../parts/weight-shapes'
import { configJson, parseConfig, type Qwen25Config } from './config'
import { publishedConfigs } from './published-configs'

export const qwen2_5_vl: Architecture = {
  open: (json, file) => qwen25Backbone(parseConfig(json, file)),
  published: new Map(
    Object.entries(publishedConfigs).flatMap(([size, config]) => {
      // A size alone is one of these models.
      const names = [size, `${size}-Instruct`].map((each) => each.toLowerCase())
      const all = [...names, ...publishedNames('Qwen', `Qwen2.5-VL-${size}`)]
      return all.map((name) => [name, () => qwen25Backbone(config)] as const)
    }),
  ),
  lmmsEvalKinds: ['qwen2_5_vl', 'qwen2_5_vl_our'],
}

export function qwen25Backbone(config: Qwen25Config): Backbone {
  const { vision } = config
  const { hiddenSize, depth, fullAttentionBlocks } = vision
  const side = vision.windowSize / vision.patchSize
  const window = ({ frame, row, column }: PatchPlace) =>
    [frame, Math.floor(row / side), Math.floor(column / side)].join()
  return mropeBackbone({
    model: config,
    tower: {
      config: vision,
      prefix: 'model.visual',
      norm: {
        weights: (name) => [[`${name}.weight`, [hiddenSize]]],
        apply: (layers, x, name) => rmsNorm({ x, weight: layers.weight(`${name}.weight`), epsilon: 1e-6 }),
      },
      mlp: gatedMlp(hiddenSize, vision.intermediateSize),
      kinds: {
        window: (places) => grouped(places, window),
        image: (places) => grouped(places, ({ frame }) => String(frame)),
      },
      kindOf: (block) => (fullAttentionBlocks.includes(block) ? 'image' : 'window'),
      windows: { windowedLayers: depth - fullAttentionBlocks.length, window: side ** 2 },
    },
    configJson: (options) => configJson(config, options),
  })
}

function gatedMlp(width: number, inner: number): TowerModule {
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
