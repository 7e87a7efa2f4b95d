/** Qwen2-VL: every block of its vision tower sees the whole image. */
import type { Architecture, Backbone } from '../backbone'
import { quickGelu } from '../parts/activations'
import { mropeBackbone } from '../qwen_vl/mrope-backbone'
import { byFrame } from '../parts/patch-places'
import { publishedNames } from '../parts/published-names'
import { layerNormModule, plainMlpModule } from '../parts/tower-modules'
import { configJson, parseConfig, type Qwen2Config } from './config'
import { publishedConfigs } from './published-configs'

export const qwen2_vl: Architecture = {
  open: (json, file) => qwen2Backbone(parseConfig(json, file)),
  published: new Map(
    Object.entries(publishedConfigs).flatMap(([size, config]) =>
      publishedNames('Qwen', `Qwen2-VL-${size}`).map((name) => [name, () => qwen2Backbone(config)] as const),
    ),
  ),
  lmmsEvalKinds: ['qwen2_vl'],
}

function qwen2Backbone(config: Qwen2Config): Backbone {
  const { vision } = config
  return mropeBackbone({
    model: config,
    tower: {
      config: vision,
      prefix: 'model.visual',
      norm: layerNormModule(vision.hiddenSize, 1e-6),
      mlp: plainMlpModule(vision.hiddenSize, vision.intermediateSize, quickGelu),
      kinds: { image: { groups: byFrame, whole: true } },
      kindOf: () => 'image',
      windows: { windowedLayers: 0, window: 0 },
    },
    configJson: (options) => configJson(config, options),
  })
}
