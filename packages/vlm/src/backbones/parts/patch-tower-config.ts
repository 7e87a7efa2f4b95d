/** The part of `vision_config` that says how images become the rows of a `patchTower`, read, checked and written. */
import { z } from 'zod'
import type { JsonObject } from '../../checkpoint/read-checkpoint-file'
import { invalidConfig, size } from './config-fields'
import type { PatchTowerConfig } from './patch-tower'

/** Fields of a schema. The defaults are those of transformers. */
export const patchFields = {
  in_channels: size.nullish(),
  in_chans: size.nullish(),
  patch_size: size.default(14),
  spatial_merge_size: size.default(2),
  temporal_patch_size: size.default(2),
}

type PatchSizes = Pick<PatchTowerConfig, 'channels' | 'patchSize' | 'spatialMergeSize' | 'temporalPatchSize'>

export function patchSizes(read: z.output<z.ZodObject<typeof patchFields>>): PatchSizes {
  return {
    channels: read.in_channels ?? read.in_chans ?? 3,
    patchSize: read.patch_size,
    spatialMergeSize: read.spatial_merge_size,
    temporalPatchSize: read.temporal_patch_size,
  }
}

export function patchJson({ channels, patchSize, ...sizes }: PatchSizes): JsonObject {
  return {
    in_channels: channels,
    in_chans: channels,
    patch_size: patchSize,
    spatial_merge_size: sizes.spatialMergeSize,
    spatial_patch_size: patchSize,
    temporal_patch_size: sizes.temporalPatchSize,
  }
}

export interface TowerWidths {
  file: string
  vision: Pick<PatchTowerConfig, 'hiddenSize' | 'heads' | 'outHiddenSize'>
  /** Width of the language model. */
  textSize: number
  /** What the file calls the widths of the tower and of its tokens. */
  fields: { hidden: string; out: string }
}

/** Throws `INVALID_CONFIG` unless a head has pairs for rows and for columns, and tokens are as wide as the language model. */
export function checkTowerWidths({ file, vision, textSize, fields }: TowerWidths): void {
  const { hiddenSize, heads, outHiddenSize } = vision
  if (hiddenSize % (4 * heads) !== 0)
    throw invalidConfig(
      file,
      `vision_config.${fields.hidden}`,
      `must be a multiple of four times num_heads, ${4 * heads}, got ${hiddenSize}`,
    )
  if (outHiddenSize !== textSize)
    throw invalidConfig(
      file,
      `vision_config.${fields.out}`,
      `must be hidden_size of the language model, ${textSize}, got ${outHiddenSize}`,
    )
}
