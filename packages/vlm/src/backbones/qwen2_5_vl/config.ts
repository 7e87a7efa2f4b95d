/**
 * `config.json` of a Qwen2.5-VL checkpoint, in the flat layout of the hub or the nested one that newer transformers
 * write, and back into the flat one.
 */
import type { FloatType } from '@evolmm/safetensors'
import { z } from 'zod'
import type { JsonObject } from '../../checkpoint/read-checkpoint-file'
import {
  checkArchitecture,
  checkFields,
  invalidConfig,
  layerCount,
  size,
  tokenId,
} from '../parts/config-fields'
import { mropeModelJson, readMropeModel, type MropeModel } from '../qwen_vl/mrope-text'
import type { PatchTowerConfig } from '../parts/patch-tower'
import { checkTowerWidths, patchFields, patchJson, patchSizes } from '../parts/patch-tower-config'

export interface Qwen25Config extends MropeModel {
  vision: PatchTowerConfig & {
    /** Side of an attention window in pixels. */
    windowSize: number
    /** Blocks that attend over the whole image. */
    fullAttentionBlocks: readonly number[]
  }
}

const architecture = 'Qwen2_5_VLForConditionalGeneration'

/** The defaults are those of transformers; the published 32B file relies on them. */
const visionSchema = z.object({
  depth: layerCount.default(32),
  hidden_size: size,
  intermediate_size: size,
  num_heads: size.default(16),
  window_size: size.default(112),
  fullatt_block_indexes: z.array(tokenId).default([7, 15, 23, 31]),
  out_hidden_size: size,
  ...patchFields,
  hidden_act: z.literal('silu').default('silu'),
})

/** Throws `UNSUPPORTED_MODEL`, or `INVALID_CONFIG` for what is wrong or not implemented. */
export function parseConfig(json: JsonObject, file = 'config.json'): Qwen25Config {
  checkArchitecture(json, architecture, file)
  const model = readMropeModel(json, file)
  const vision = checkFields(visionSchema, json.vision_config, { file, prefix: 'vision_config.' })
  const config: Qwen25Config = {
    ...model,
    vision: {
      depth: vision.depth,
      hiddenSize: vision.hidden_size,
      intermediateSize: vision.intermediate_size,
      heads: vision.num_heads,
      windowSize: vision.window_size,
      fullAttentionBlocks: vision.fullatt_block_indexes,
      outHiddenSize: vision.out_hidden_size,
      ...patchSizes(vision),
    },
  }
  checkVision(config, file)
  return config
}

/** What one field asks of another. */
function checkVision({ text, vision }: Qwen25Config, file: string): void {
  const fail = (field: string, rule: string) => invalidConfig(file, `vision_config.${field}`, rule)
  const { windowSize, fullAttentionBlocks, depth } = vision
  const tile = vision.patchSize * vision.spatialMergeSize
  checkTowerWidths({
    file,
    vision,
    textSize: text.hiddenSize,
    fields: { hidden: 'hidden_size', out: 'out_hidden_size' },
  })
  if (windowSize % tile !== 0)
    throw fail(
      'window_size',
      `must be a multiple of patch_size * spatial_merge_size, ${tile}, got ${windowSize}`,
    )
  const beyond = fullAttentionBlocks.find((block) => block >= depth)
  if (beyond !== undefined)
    throw fail('fullatt_block_indexes', `must be below depth, ${depth}, got ${beyond}`)
}

export function configJson(
  config: Qwen25Config,
  { dtype, source }: { dtype: FloatType; source: JsonObject },
): JsonObject {
  const { vision } = config
  const from = source.vision_config as JsonObject | undefined
  return {
    ...mropeModelJson(config, source),
    architectures: [architecture],
    model_type: 'qwen2_5_vl',
    torch_dtype: dtype,
    vision_config: {
      depth: vision.depth,
      hidden_act: 'silu',
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.heads,
      out_hidden_size: vision.outHiddenSize,
      ...patchJson(vision),
      window_size: vision.windowSize,
      fullatt_block_indexes: [...vision.fullAttentionBlocks],
      tokens_per_second: from?.tokens_per_second ?? 2,
    },
  }
}
