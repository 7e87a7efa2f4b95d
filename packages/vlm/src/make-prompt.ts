/** Text and encoded images become a prompt in tokens. */
import { buildPrompt } from './build-prompt'
import { checkImages } from './check-inputs'
import { arranged } from './encode-image'
import type { Model } from './model'
import type { Prompt, PromptOptions } from './types'

export function makePrompt(
  { backbone, tokenizer, template }: Model,
  { images: given = [], ...options }: PromptOptions,
): Prompt {
  checkImages(backbone, given)
  const images = arranged(backbone, given)
  const prompt = buildPrompt({ tokenizer, template, rules: backbone.prompt, images, ...options })
  return { ...prompt, ...backbone.positions(prompt.ids, images), images }
}
