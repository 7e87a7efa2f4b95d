/** From text and encoded images to a prompt in tokens. */
import type { Model } from './model'
import { buildPrompt } from './prompt/build-prompt'
import type { Prompt, PromptOptions } from './types'

export function makePrompt(
  { backbone, tokenizer, template }: Model,
  { images = [], ...options }: PromptOptions,
): Prompt {
  const grids = images.map(({ grid }) => grid)
  const prompt = buildPrompt({ tokenizer, template, config: backbone.tokens, grids, ...options })
  return { ...prompt, ...backbone.positions(prompt.ids, grids), images }
}
