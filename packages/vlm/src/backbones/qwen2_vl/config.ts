/**
 * `config.json` of a Qwen2-VL checkpoint, in the flat layout of the hub or the nested one that newer transformers write,
 * and back into the flat one.
 */
import type { FloatType } from '@evolmm/safetensors'
import { z } from 'zod'
import type { JsonObject } from '../../checkpoint/read-checkpoint-file'
import { checkArchitecture, checkFields, invalidConfig, layerCount, size } from '../parts/config-fields'
import { mropeModelJson, readMropeModel, type MropeModel } from '../qwen_vl/mrope-text'
import type { PatchTowerConfig } from '../parts/patch-tower'
import { checkTowerWidths, patchFields, patchJson, patchSizes } from '../parts/patch-tower-config'

export interface Qwen2Config extends MropeModel {
  vision: PatchTowerConfig
}

const architecture = 'Qwen2VLForConditionalGeneration'

/** The defaults are those of transformers. */
const visionSchema = z.object({
  depth: layerCount.default(32),
  embed_dim: size.default(1280),
  /** Width of the language model. */
  hidden_size: size.default(3584),
  mlp_ratio: z.number().positive().default(4),
  num_heads: size.default(16),
  ...patchFields,
  hidden_act: z.literal('quick_gelu').default('quick_gelu'),
})

/** Throws `UNSUPPORTED_MODEL`, or `INVALID_CONFIG` for what is wrong or not implemented. */
export function parseConfig(json: JsonObject, file = 'config.json'): Qwen2Config {
  checkArchitecture(json, architecture, file)
  const model = readMropeModel(json, file)
  const vision = checkFields(visionSchema, json.vision_config, { file, prefix: 'vision_config.' })
  const config: Qwen2Config = {
    ...model,
    vision: {
      depth: vision.depth,
      hiddenSize: vision.embed_dim,
      intermediateSize: vision.embed_dim * vision.mlp_ratio,
      heads: vision.num_heads,
      outHiddenSize: vision.hidden_size,
      ...patchSizes(vision),
    },
  }
  checkVision(config, file)
  return config
}

/** What one field asks of another. */
function checkVision({ text, vision }: Qwen2Config, file: string): void {
  const { hiddenSize, intermediateSize } = vision
  checkTowerWidths({
    file,
    vision,
    textSize: text.hiddenSize,
    fields: { hidden: 'embed_dim', out: 'hidden_size' },
  })
  if (!Number.isSafeInteger(intermediateSize))
    throw invalidConfig(
      file,
      'vision_config.mlp_ratio',
      `must make a whole number of embed_dim, ${hiddenSize}, got ${intermediateSize}`,
    )
}

export function configJson(
  config: Qwen2Config,
  { dtype, source }: { dtype: FloatType; source: JsonObject },
): JsonObject {
  const { vision } = config
  return {
    ...mropeModelJson(config, source),
    architectures: [architecture],
    model_type: 'qwen2_vl',
    torch_dtype: dtype,
    vision_config: {
      depth: vision.depth,
      embed_dim: vision.hiddenSize,
      hidden_act: 'quick_gelu',
      hidden_size: vision.outHiddenSize,
      mlp_ratio: vision.intermediateSize / vision.hiddenSize,
      num_heads: vision.heads,
      ...patchJson(vision),
    },
  }
}
