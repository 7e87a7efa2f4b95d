/** From text and encoded images to a prompt in tokens. */
import type { Model } from './model'
import { checkImages } from './check-inputs'
import { buildPrompt } from './prompt/build-prompt'
import type { Prompt, PromptOptions } from './types'

export function makePrompt(
  { backbone, tokenizer, template }: Model,
  { images = [], ...options }: PromptOptions,
): Prompt {
  checkImages(backbone, images)
  const grids = images.map(({ grid }) => grid)
  const prompt = buildPrompt({ tokenizer, template, config: backbone.tokens, grids, ...options })
  return { ...prompt, ...backbone.positions(prompt.ids, grids), images }
}
