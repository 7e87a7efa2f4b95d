/** A model from a folder or from the hub, ready to be asked. */
import { EvolmmError } from '@evolmm/internal'
import type { Graph } from '@evolmm/onnx'
import { openBackbone } from './backbones/open-backbone'
import { openCheckpoint } from './checkpoint/open-checkpoint'
import { widenedCheckpoint } from './checkpoint/widened-checkpoint'
import { encodeImage } from './encode-image'
import { exportPrograms } from './export-programs'
import type { HubOptions } from './hub/hub-options'
import { resolveModel } from './hub/resolve-model'
import { readImageProcessorConfig } from './image/image-processor-config'
import type { RgbImage } from './image/rgb-image'
import { gradient, score } from './learn'
import { makePrompt } from './make-prompt'
import type { Model } from './model'
import { weightFiles } from './programs/weight-files'
import { loadChatTemplate } from './prompt/chat-template'
import { readGenerationConfig } from './prompt/generation-config'
import { loadTokenizer, type Tokenizer } from './prompt/load-tokenizer'
import { openProgram, type Program } from './runtime/session'
import { sample } from './sample'
import { stream } from './stream'
import type {
  Adapter,
  Completion,
  EncodedImage,
  Gradient,
  GradientOptions,
  Prompt,
  PromptOptions,
  SampleOptions,
  ScoreOptions,
  Scores,
  StreamOptions,
} from './types'

export interface LoadVlmOptions {
  /** Threads of one operation. @default the runtime's choice */
  threads?: number | undefined
  /** Where 16-bit weights are kept once they are widened. @default `$XDG_CACHE_HOME/evolmm/weights`, else in ~/.cache */
  cacheDir?: string | undefined
  /** Bounds of an image's area after resizing. @default the checkpoint's */
  minPixels?: number | undefined
  maxPixels?: number | undefined
  /** For models that are not folders. */
  hub?: HubOptions | undefined
  /** Before weights are widened into a file of that many bytes. */
  onWiden?: ((twin: { file: string; bytes: number }) => void) | undefined
}

export interface Vlm {
  /** Where the checkpoint lies. */
  folder: string
  tokenizer: Tokenizer
  /** Runs an image through the vision tower. */
  encodeImage: (source: string | URL | Uint8Array | RgbImage) => Promise<EncodedImage>
  prompt: (options: PromptOptions) => Prompt
  /** Completions of each prompt, all in one run. */
  sample: (options: SampleOptions) => Promise<Completion[][]>
  score: (options: ScoreOptions) => Promise<Scores>
  gradient: (options: GradientOptions) => Promise<Gradient>
  /** Text piece by piece: what `sample` gives as sample 0 for the same seed. */
  stream: (options: StreamOptions) => AsyncIterable<string>
  /** Writes every program as a `.onnx` file, with the weights beside them; returns the paths. */
  exportPrograms: (folder: string, adapter?: Adapter) => Promise<string[]>
  /** Closes all programs. */
  dispose: () => Promise<void>
}

export async function loadVlm(idOrFolder: string, options: LoadVlmOptions = {}): Promise<Vlm> {
  const { folder } = await resolveModel(idOrFolder, options.hub)
  const backbone = await openBackbone(folder)
  const { minPixels, maxPixels } = options
  const processor = await readImageProcessorConfig({
    folder,
    ...(minPixels !== undefined && { minPixels }),
    ...(maxPixels !== undefined && { maxPixels }),
  })
  const tokenizer = await loadTokenizer({ folder, config: backbone.tokens })
  const template = await loadChatTemplate({ folder })
  const generation = await readGenerationConfig({ folder, tokenizer })
  const { tensors } = await widenedCheckpoint(await openCheckpoint(folder, backbone.weights), {
    ...(options.cacheDir !== undefined && { cacheDir: options.cacheDir }),
    ...(options.onWiden !== undefined && { onWrite: options.onWiden }),
  })
  const files = weightFiles(tensors.values())
  const programs = openPrograms(files.folder, options.threads)
  const model: Model = {
    folder,
    backbone,
    files,
    tokenizer,
    template,
    generation,
    processor,
    program: programs.get,
  }
  return {
    folder,
    tokenizer,
    encodeImage: (source) => encodeImage(model, source),
    prompt: (given) => makePrompt(model, given),
    sample: (given) => sample(model, given),
    score: (given) => score(model, given),
    gradient: (given) => gradient(model, given),
    stream: (given) => stream(model, given),
    exportPrograms: (out, adapter) => exportPrograms(model, out, adapter),
    dispose: programs.close,
  }
}

/** Programs by key, each built and opened once. */
function openPrograms(
  folder: string,
  threads: number | undefined,
): { get: Model['program']; close: () => Promise<void> } {
  const open = new Map<string, Promise<Program>>()
  let closed = false
  return {
    get: (key: string, build: () => Graph, options = {}) => {
      if (closed)
        throw new EvolmmError(
          'MODEL_DISPOSED',
          'model: must not be used after dispose(), got a call; load it again',
        )
      const known = open.get(key) ?? openProgram(build(), { folder, threads, ...options })
      open.set(key, known)
      return known
    },
    close: async () => {
      closed = true
      const programs = await Promise.all(open.values())
      open.clear()
      for (const program of programs) await program.release()
    },
  }
}
