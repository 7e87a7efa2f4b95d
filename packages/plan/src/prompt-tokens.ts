/**
 * Tokens of the longest prompt of each role, about the largest image: counted where the model has a tokenizer, else
 * guessed from the characters.
 */
import { optionsOf } from '@evolmm/settings'
import { fallbackQuestion, proposerPrompt, solverPrompt, type EvolmmValues, type Role } from '@evolmm/trainer'
import type { ImageLayout, OpenedConfig } from '@evolmm/vlm'

type PromptCounter = Pick<OpenedConfig, 'promptTokens'>

export function promptTokens(
  settings: EvolmmValues,
  models: Record<Role, PromptCounter>,
  images: Record<Role, ImageLayout>,
): Record<Role, number> {
  const system = optionsOf({ system: settings.system_prompt })
  const count = (role: Role, prompt: string) =>
    (models[role].promptTokens ?? guessTokens)({ prompt, ...system }, [images[role]])
  const ask = solverPrompt(settings)
  const promptFor = (question: string) => ask({ question, image: '', step: 0 })
  // As often as the prompt says the question, a question may be as long as its writer is allowed to write.
  const places = promptFor(marker).split(marker).length - 1
  return {
    solver: Math.max(
      count('solver', promptFor('')) + places * settings.max_new_tokens_proposer,
      count('solver', promptFor(fallbackQuestion)),
    ),
    proposer: count('proposer', proposerPrompt(settings)({ image: '', step: 0 })),
  }
}

/** A text that no prompt holds by itself. */
const marker = '\u0000question\u0000'

/** A word in English is about five letters and a third more tokens; the template of a chat adds some. */
export function guessTokens(
  { prompt, system = '' }: { prompt: string; system?: string | undefined },
  images: readonly ImageLayout[],
): number {
  const tokens = images.reduce((sum, image) => sum + image.tokens, 0)
  return Math.ceil((prompt.length + system.length) / 4) + 32 + tokens
}
