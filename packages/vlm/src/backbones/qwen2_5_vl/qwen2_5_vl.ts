/** Qwen2.5-VL: most blocks of its vision tower attend within windows of the image, some over all of it. */
import type { Architecture, Backbone } from '../backbone'
import { mropeBackbone } from '../qwen_vl/mrope-backbone'
import { byFrame, grouped, type PatchPlace } from '../parts/patch-places'
import { publishedNames } from '../parts/published-names'
import { gatedMlpModule, rmsNormModule } from '../parts/tower-modules'
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
      norm: rmsNormModule(hiddenSize, 1e-6),
      mlp: gatedMlpModule(hiddenSize, vision.intermediateSize),
      kinds: {
        window: { groups: (places) => grouped(places, window), whole: false },
        image: { groups: byFrame, whole: true },
      },
      kindOf: (block) => (fullAttentionBlocks.includes(block) ? 'image' : 'window'),
      windows: { windowedLayers: depth - fullAttentionBlocks.length, window: side ** 2 },
    },
    configJson: (options) => configJson(config, options),
  })
}
