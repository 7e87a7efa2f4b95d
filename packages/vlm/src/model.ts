/** What is open of a model: everything that the functions of this package share. Not public. */
import type { Graph } from '@evolmm/onnx'
import type { Backbone } from './backbones/backbone'
import type { ImageProcessor } from './backbones/vision'
import type { WeightFiles } from './programs/weight-files'
import { hasValueHead, type Trainable } from './programs/trainable'
import type { ChatTemplate } from './prompt/chat-template'
import type { GenerationConfig } from './prompt/generation-config'
import type { Tokenizer } from './prompt/load-tokenizer'
import type { MemoryOptions } from './runtime/memory-estimate'
import type { Program } from './runtime/session'
import type { EncodedImage } from './types'

export interface Model {
  folder: string
  backbone: Backbone
  files: WeightFiles
  tokenizer: Tokenizer
  template: ChatTemplate
  generation: GenerationConfig
  /** Absent for a model of text alone. */
  processor: ImageProcessor | undefined
  /** What was computed for that key before, or is now; never changed by whoever gets it. */
  remember: <T>(key: string, compute: () => T) => T
  /** The latest list that begins with an image, and what was made of it for its prompts. */
  arranged: WeakMap<EncodedImage, { given: readonly EncodedImage[]; images: readonly EncodedImage[] }>
  /** Features of lists that were made for a prompt. */
  arrangedFeatures: WeakMap<readonly EncodedImage[], Float32Array>
  /** Throws `MEMORY_EXCEEDED` if the work cannot fit. */
  checkMemory: (work: Omit<MemoryOptions, 'backbone' | 'device' | 'dtype' | 'quantize'>) => void
  /** The program of that key, built and opened when it is first asked for. */
  program: (key: string, build: () => Graph, options?: { prepack?: boolean }) => Promise<Program>
}

/** Equal for trainable sets of one structure, such as the adapters of two roles, which then share their programs. */
export function trainableKey(trainable: Trainable | undefined): string {
  if (trainable === undefined) return 'base'
  const lora = [...trainable.lora].map(([module, { rank, alpha }]) => `${module}:${rank}:${alpha}`)
  return [...lora, ...trainable.full, ...(hasValueHead(trainable) ? ['value'] : [])].join()
}
