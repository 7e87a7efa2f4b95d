/** Text and encoded images become a prompt in tokens. */
import { buildPrompt } from './build-prompt'
import { checkImages } from './check-inputs'
import { arranged } from './encode-image'
import type { Model } from './model'
import type { Prompt, PromptOptions } from './types'

export function makePrompt(model: Model, { images: given = [], ...options }: PromptOptions): Prompt {
  const { backbone, tokenizer, template } = model
  checkImages(backbone, given)
  const images = arranged(model, given)
  const prompt = buildPrompt({ tokenizer, template, rules: backbone.prompt, images, ...options })
  return { ...prompt, ...backbone.positions(prompt.ids, images), images }
}
