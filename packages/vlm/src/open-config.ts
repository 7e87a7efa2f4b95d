/** The shapes of a model before any weight of it is here: what plans are made from. */
import { checkNames, checkText } from '@evolmm/internal'
import { stat } from 'node:fs/promises'
import { resolveRepo, type HubOptions } from '@evolmm/hub'
import { EvolmmError, type VlmErrorCode } from './errors'
import type { Backbone } from './backbones/backbone'
import { publishedBackbone, readBackbone } from './backbones/open-backbone'
import type { ImageLayout, ImageOptions, ImageProcessor, ImageToBe, Vision } from './backbones/vision'
import { buildPrompt } from './build-prompt'
import { openPrompting } from './open-folder'
import { openProcessor } from './open-processor'

export interface OpenConfigOptions {
  /** Choices of how images are cut, by the names that the model has for them. @default as the checkpoint says */
  imageOptions?: ImageOptions | undefined
  /** Settings of the hub, for models that are not folders. */
  hub?: HubOptions | undefined
}

/** One turn of the user about some images. */
interface PlannedTurn {
  prompt: string
  system?: string | undefined
}

export interface OpenedConfig {
  backbone: Backbone
  /** The image options as they hold, those of the checkpoint where none were given; none for a model of text alone. */
  imageOptions: ImageOptions
  /**
   * What an image of that size, or one of several in its prompt, becomes, under the options that were given or changed ones. Throws `IMAGE_TOO_NARROW`, or
   * `IMAGES_UNSUPPORTED` for a model of text alone.
   */
  layout: (image: ImageToBe, changed?: ImageOptions) => ImageLayout
  /** Tokens of a turn about images, those of the images included; `undefined` where there is no tokenizer to count with. */
  promptTokens: ((turn: PlannedTurn, images: readonly ImageLayout[]) => number) | undefined
}

const small = ['config.json', 'preprocessor_config.json', 'processor_config.json']

/**
 * `model` is a folder, whose `config.json` is enough and whose tokenizer is used if it is there, a published name or size
 * such as `7B`, for which nothing is read, or a name on the hub, of which small files are fetched if they are not cached.
 */
export async function openConfig(model: string, options: OpenConfigOptions = {}): Promise<OpenedConfig> {
  checkNames('openConfig', options, { imageOptions: true, hub: true })
  checkText('model', model)
  const { hub, imageOptions } = options
  const local = await stat(model).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
  const published = local ? undefined : publishedBackbone(model)
  if (published !== undefined)
    return opened(published, await openProcessor(published.vision, undefined, imageOptions), undefined)
  const { folder } = await resolveRepo(model, { ...hub, allow: small, require: ['config.json'] })
  const backbone = await readBackbone(folder)
  const processor = await processorOf(backbone.vision, folder, imageOptions)
  return opened(backbone, processor, await tokenCounter(folder, backbone))
}

function opened(
  backbone: Backbone,
  processor: ImageProcessor | undefined,
  promptTokens: OpenedConfig['promptTokens'],
): OpenedConfig {
  return {
    backbone,
    imageOptions: processor?.options ?? {},
    layout: (image, changed) => {
      if (processor !== undefined) return processor.layout(image, changed)
      throw new EvolmmError(
        'IMAGES_UNSUPPORTED',
        'image: must go to a model with a vision tower, got one of text alone; choose another model',
      )
    },
    promptTokens,
  }
}

/** The processor of the folder, or that of the published models where the folder has none. */
function processorOf(
  vision: Vision | undefined,
  folder: string,
  options: ImageOptions | undefined,
): Promise<ImageProcessor | undefined> {
  return openProcessor(vision, folder, options).catch((error: unknown) => {
    if (!(error instanceof EvolmmError) || error.code !== 'CHECKPOINT_FILE_NOT_FOUND') throw error
    return openProcessor(vision, undefined, options)
  })
}

async function tokenCounter(folder: string, backbone: Backbone): Promise<OpenedConfig['promptTokens']> {
  try {
    const { tokenizer, template } = await openPrompting(folder, backbone)
    const rules = backbone.prompt
    return (turn, images) => buildPrompt({ tokenizer, template, rules, images, ...turn }).ids.length
  } catch (error) {
    if (error instanceof EvolmmError && absent.has(error.code)) return undefined
    throw error
  }
}

const absent = new Set<VlmErrorCode>(['CHECKPOINT_FILE_NOT_FOUND', 'CHAT_TEMPLATE_NOT_FOUND'])
