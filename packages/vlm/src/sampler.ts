/** Whatever writes the completions of a policy: our own programs (`Vlm`), or a serving engine. */
import type { Adapter } from './adapter/adapter'
import type {
  Completion,
  EncodedImage,
  EncodeImageOptions,
  ImageSource,
  Prompt,
  PromptOptions,
  SampleOptions,
  ScoreOptions,
  Scores,
} from './types'

export interface Sampler {
  /** The model as reports and folders call it: `owner/name`. */
  name?: string | undefined
  /** What decides the completions besides the options of a call, as plain data: the same model and parameters give the same. */
  identity?: ((adapter?: Adapter) => Readonly<Record<string, string | number | boolean | null>>) | undefined
  /**
   * What the chat template writes between turns, or for an image: a text with it would be read as another conversation, with
   * a second image for instance.
   */
  marker?: RegExp | undefined
  encodeImage: (source: ImageSource, options?: EncodeImageOptions) => Promise<EncodedImage>
  prompt: (options: PromptOptions) => Prompt
  /** The completions of each prompt, all in one run. */
  sample: (options: SampleOptions) => Promise<Completion[][]>
  /** The log-probabilities of given completions; no gradient. */
  score: (options: ScoreOptions) => Promise<Scores>
  /**
   * Whoever trains calls this before the first sample, and after each change of the adapter's parameters before the next
   * sample. An engine that holds a copy of the adapter takes the new one; programs that read `adapter.parameters` at
   * every call leave it out.
   */
  weightsChanged?: ((adapter: Adapter) => Promise<void>) | undefined
}
