/** Everything about a checkpoint's folder but the values of its weights: small files read, headers of weights checked. */
import { EvolmmError } from '@evolmm/internal'
import type { Backbone } from './backbones/backbone'
import { openBackbone } from './backbones/open-backbone'
import { openCheckpoint } from './checkpoint/open-checkpoint'
import { readImageProcessorConfig, type ImageProcessorConfig } from './backbones/parts/patch-processor-config'
import { loadChatTemplate } from './prompt/chat-template'
import { readGenerationConfig } from './prompt/generation-config'
import { loadTokenizer } from './prompt/load-tokenizer'

export interface OpenFolderOptions {
  /** Bounds of an image's area after resizing. @default the checkpoint's */
  minPixels?: number | undefined
  maxPixels?: number | undefined
}

export async function openFolder(folder: string, { minPixels, maxPixels }: OpenFolderOptions = {}) {
  const backbone = await openBackbone(folder)
  const processor = await readImageProcessorConfig({
    folder,
    ...(minPixels !== undefined && { minPixels }),
    ...(maxPixels !== undefined && { maxPixels }),
  })
  checkProcessor(folder, backbone, processor)
  const tokenizer = await loadTokenizer({ folder, config: backbone.tokens })
  const template = await loadChatTemplate({ folder })
  const generation = await readGenerationConfig({ folder, tokenizer })
  const stored = await openCheckpoint(folder, backbone.weights)
  return { backbone, processor, tokenizer, template, generation, stored }
}

/** Throws what `loadVlm` would say about the files of a folder, without loading a weight. */
export async function checkFolder(folder: string, options: OpenFolderOptions = {}): Promise<void> {
  await openFolder(folder, options)
}

/** What the images are cut into must be what the vision tower reads. */
function checkProcessor(folder: string, { patches }: Backbone, processor: ImageProcessorConfig): void {
  for (const [name, size] of Object.entries(patches) as [keyof Backbone['patches'], number][])
    if (processor[name] !== size)
      throw new EvolmmError(
        'INVALID_CONFIG',
        `${folder}: the image processor must have ${name} ${size} as config.json says, got ${processor[name]}; ` +
          'fetch both files from the same model',
        { details: { folder, field: name } },
      )
}
