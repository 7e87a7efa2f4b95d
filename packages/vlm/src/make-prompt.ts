/** Text and encoded images become a prompt in tokens. */
import { checkNames } from '@evolmm/internal'
import { buildPrompt } from './build-prompt'
import { checkImages } from './check-inputs'
import { arranged } from './encode-image'
import type { Model } from './model'
import type { Prompt, PromptOptions } from './types'

export function makePrompt(model: Model, options: PromptOptions): Prompt {
  checkNames('prompt', options, { images: true, variables: true, prompt: true, system: true, messages: true })
  const { images: given = [], ...rest } = options
  const { backbone, tokenizer, template } = model
  checkImages(backbone, given)
  const images = arranged(model, given)
  const prompt = buildPrompt({ tokenizer, template, rules: backbone.prompt, images, ...rest })
  return { ...prompt, ...backbone.positions(prompt.ids, images), images }
}
