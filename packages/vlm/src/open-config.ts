/** The shapes of a model before any weight of it is here: what plans are made from. */
import { stat } from 'node:fs/promises'
import { checkInteger, EvolmmError } from '@evolmm/internal'
import type { QwenConfig } from './backbones/qwen2_5_vl/config'
import { publishedConfigs } from './backbones/qwen2_5_vl/published-configs'
import { readConfig } from './backbones/qwen2_5_vl/read-config'
import type { HubOptions } from './hub/hub-options'
import { resolveModel } from './hub/resolve-model'
import { readImageProcessorConfig } from './image/image-processor-config'
import { smartResize } from './image/smart-resize'

export interface OpenConfigOptions {
  /** Bounds of an image's area after resizing. @default the checkpoint's */
  minPixels?: number | undefined
  maxPixels?: number | undefined
  /** For models that are not folders. */
  hub?: HubOptions | undefined
}

export interface OpenedConfig {
  config: QwenConfig
  minPixels: number
  maxPixels: number
  /** Patches that an image of that size is cut into, within these bounds or others. Throws `IMAGE_TOO_NARROW`. */
  patchesOf: (image: { width: number; height: number }, most?: number) => number
}

/** Of the published processors. */
const publishedPixels = { minPixels: 56 * 56, maxPixels: 28 * 28 * 16384 }
const small = ['config.json', 'preprocessor_config.json', 'processor_config.json']

/**
 * `model` is a folder, whose `config.json` is enough, a published size such as `7B` or `Qwen2.5-VL-7B-Instruct`, for
 * which nothing is read, or a name on the hub, of which two small files are fetched if they are not cached.
 */
export async function openConfig(model: string, options: OpenConfigOptions = {}): Promise<OpenedConfig> {
  const { hub, minPixels, maxPixels } = options
  const published = publishedSize(model)
  const bounds = {
    ...(minPixels !== undefined && { minPixels }),
    ...(maxPixels !== undefined && { maxPixels }),
  }
  const local = await stat(model).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
  if (published !== undefined && !local)
    return opened(publishedConfigs[published], { ...publishedPixels, ...bounds })
  const { folder } = await resolveModel(model, { ...hub, allow: small, require: ['config.json'] })
  const config = await readConfig(folder)
  const processor = await readImageProcessorConfig({ folder, ...bounds }).catch((error: unknown) => {
    if (!(error instanceof EvolmmError) || error.code !== 'CHECKPOINT_FILE_NOT_FOUND') throw error
    return { ...publishedPixels, ...bounds }
  })
  return opened(config, processor)
}

function publishedSize(model: string): keyof typeof publishedConfigs | undefined {
  const [, size = ''] = /^(?:(?:Qwen\/)?Qwen2\.5-VL-)?(\d+B)(?:-Instruct)?(?:@.+)?$/i.exec(model) ?? []
  return (Object.keys(publishedConfigs) as (keyof typeof publishedConfigs)[]).find(
    (name) => name === size.toUpperCase(),
  )
}

function opened(config: QwenConfig, bounds: { minPixels: number; maxPixels: number }): OpenedConfig {
  const minPixels = checkInteger('minPixels', bounds.minPixels, { min: 1 })
  const maxPixels = checkInteger('maxPixels', bounds.maxPixels, { min: minPixels })
  const { patchSize, spatialMergeSize } = config.vision
  return {
    config,
    minPixels,
    maxPixels,
    patchesOf: (image, most = maxPixels) => {
      const factor = patchSize * spatialMergeSize
      const least = Math.min(minPixels, most)
      const { width, height } = smartResize({ ...image, factor, minPixels: least, maxPixels: most })
      return (width * height) / patchSize ** 2
    },
  }
}
