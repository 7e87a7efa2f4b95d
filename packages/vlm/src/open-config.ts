/** The shapes of a model before any weight of it is here: what plans are made from. */
import { stat } from 'node:fs/promises'
import { resolveRepo, type HubOptions } from '@evolmm/hub'
import { checkInteger, EvolmmError } from '@evolmm/internal'
import type { QwenConfig } from './backbones/qwen2_5_vl/config'
import { publishedConfigs } from './backbones/qwen2_5_vl/published-configs'
import { readConfig } from './backbones/qwen2_5_vl/read-config'
import { readImageProcessorConfig } from './backbones/parts/patch-processor-config'
import { smartResize } from './backbones/parts/smart-resize'
import { buildPrompt } from './prompt/build-prompt'
import { loadChatTemplate } from './prompt/chat-template'
import { loadTokenizer } from './prompt/load-tokenizer'

export interface OpenConfigOptions {
  /** Bounds of an image's area after resizing. @default the checkpoint's */
  minPixels?: number | undefined
  maxPixels?: number | undefined
  /** Settings of the hub, for models that are not folders. */
  hub?: HubOptions | undefined
}

export interface OpenedConfig {
  config: QwenConfig
  minPixels: number
  maxPixels: number
  /** Patches that an image of that size is cut into, within these bounds or others. Throws `IMAGE_TOO_NARROW`. */
  patchesOf: (image: { width: number; height: number }, most?: number) => number
  /** Tokens of one turn about an image, without those of the image; `undefined` where there is no tokenizer to count with. */
  textTokens: ((turn: { prompt: string; system?: string | undefined }) => number) | undefined
}

/** The bounds of the published processors. */
const publishedPixels = { minPixels: 56 * 56, maxPixels: 28 * 28 * 16384 }
const small = ['config.json', 'preprocessor_config.json', 'processor_config.json']

/**
 * `model` is a folder, whose `config.json` is enough and whose tokenizer is used if it is there, a published size such as `7B` or `Qwen2.5-VL-7B-Instruct`, for
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
    return opened(publishedConfigs[published], { ...publishedPixels, ...bounds }, undefined)
  const { folder } = await resolveRepo(model, { ...hub, allow: small, require: ['config.json'] })
  const config = await readConfig(folder)
  const processor = await readImageProcessorConfig({ folder, ...bounds }).catch((error: unknown) => {
    if (!(error instanceof EvolmmError) || error.code !== 'CHECKPOINT_FILE_NOT_FOUND') throw error
    return { ...publishedPixels, ...bounds }
  })
  return opened(config, processor, await tokenCounter(folder, config))
}

async function tokenCounter(folder: string, config: QwenConfig): Promise<OpenedConfig['textTokens']> {
  try {
    const [tokenizer, template] = await Promise.all([
      loadTokenizer({ folder, config }),
      loadChatTemplate({ folder }),
    ])
    // The image is one token here.
    const { spatialMergeSize: side } = config.vision
    const grids = [[1, side, side]] as const
    return (turn) => buildPrompt({ tokenizer, template, config, grids, ...turn }).ids.length - 1
  } catch (error) {
    if (error instanceof EvolmmError && absent.has(error.code)) return undefined
    throw error
  }
}

const absent = new Set(['CHECKPOINT_FILE_NOT_FOUND', 'CHAT_TEMPLATE_NOT_FOUND'])

function publishedSize(model: string): keyof typeof publishedConfigs | undefined {
  const [, size = ''] = /^(?:(?:Qwen\/)?Qwen2\.5-VL-)?(\d+B)(?:-Instruct)?(?:@.+)?$/i.exec(model) ?? []
  return (Object.keys(publishedConfigs) as (keyof typeof publishedConfigs)[]).find(
    (name) => name === size.toUpperCase(),
  )
}

function opened(
  config: QwenConfig,
  bounds: { minPixels: number; maxPixels: number },
  textTokens: OpenedConfig['textTokens'],
): OpenedConfig {
  const minPixels = checkInteger('minPixels', bounds.minPixels, { min: 1 })
  const maxPixels = checkInteger('maxPixels', bounds.maxPixels, { min: minPixels })
  const { patchSize, spatialMergeSize } = config.vision
  return {
    config,
    minPixels,
    maxPixels,
    textTokens,
    patchesOf: (image, most = maxPixels) => {
      const factor = patchSize * spatialMergeSize
      const least = Math.min(minPixels, most)
      const { width, height } = smartResize({ ...image, factor, minPixels: least, maxPixels: most })
      return (width * height) / patchSize ** 2
    },
  }
}
