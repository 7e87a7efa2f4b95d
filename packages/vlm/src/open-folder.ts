/** Everything about a checkpoint's folder but the values of its weights: small files read, headers of weights checked. */
import { checkNames, checkText } from '@evolmm/internal'
import type { Backbone } from './backbones/backbone'
import type { Architectures } from './backbones/backbones'
import { readBackbone } from './backbones/open-backbone'
import type { ImageOptions } from './backbones/vision'
import { openCheckpoint, tensorNames } from './checkpoint/open-checkpoint'
import { loadChatTemplate } from './prompt/chat-template'
import { readGenerationConfig } from './prompt/generation-config'
import { openProcessor } from './open-processor'
import { loadTokenizer } from './prompt/load-tokenizer'

export interface OpenFolderOptions {
  /** Choices of how images are cut, by the names that the model has for them: `maxPixels`, say. @default as the checkpoint says */
  imageOptions?: ImageOptions | undefined
  /** Models that are known, by `model_type`. @default those of this package */
  architectures?: Architectures | undefined
}

export async function openFolder(folder: string, options: OpenFolderOptions = {}) {
  const { architectures, imageOptions } = options
  const read = await readBackbone(folder, architectures)
  const processor = await openProcessor(read.vision, folder, imageOptions)
  const { tokenizer, template } = await openPrompting(folder, read)
  const { stopTokens } = read.prompt
  const generation = await readGenerationConfig({ folder, tokenizer, stopTokens })
  // What the configuration leaves open its files settle.
  const backbone = read.settled?.(await tensorNames(folder, read)) ?? read
  const stored = await openCheckpoint(folder, backbone)
  return { backbone, processor, tokenizer, template, generation, stored }
}

/** What makes tokens of conversations. */
export async function openPrompting(folder: string, { prompt: rules, weights, embeddingWeight }: Backbone) {
  const tokenizer = await loadTokenizer({
    folder,
    tokens: rules.tokens,
    vocabularySize: weights.get(embeddingWeight)?.[0] ?? 0,
    json: rules.tokenizerJson,
  })
  const load = () => loadChatTemplate({ folder })
  const template = await (rules.chatTemplate?.(load) ?? load())
  return { tokenizer, template }
}

/** Throws what `loadVlm` would say about the files of a folder, without loading a weight. */
export async function checkFolder(folder: string, options: OpenFolderOptions = {}): Promise<void> {
  checkNames('checkFolder', options, { imageOptions: true, architectures: true })
  checkText('folder', folder)
  await openFolder(folder, options)
}
