/**
 * Tokens of the longest prompt of each role, about the largest image: counted where the model has a tokenizer, else
 * guessed from the characters.
 */
import { fallbackQuestion, proposerPrompt, solverPrompt, type EvolmmValues } from '@evolmm/trainer'
import type { OpenedConfig } from '@evolmm/vlm'

type Model = Pick<OpenedConfig, 'config' | 'textTokens'>

export function promptTokens(
  config: EvolmmValues,
  { solver, proposer }: { solver: Model; proposer: Model },
  imagePatches: number,
): { solver: number; proposer: number } {
  const system = config.system_prompt ?? undefined
  const count = ({ config: { vision }, textTokens = guess }: Model, prompt: string) =>
    textTokens({ prompt, system }) + imagePatches / vision.spatialMergeSize ** 2
  const ask = solverPrompt(config)
  const promptFor = (question: string) => ask({ question, image: '', step: 0 })
  // As often as the prompt says the question, a question may be as long as its writer is allowed to write.
  const places = promptFor(marker).split(marker).length - 1
  return {
    solver: Math.max(
      count(solver, promptFor('')) + places * config.max_new_tokens_proposer,
      count(solver, promptFor(fallbackQuestion)),
    ),
    proposer: count(proposer, proposerPrompt(config)({ image: '', step: 0 })),
  }
}

/** A text that no prompt holds by itself. */
const marker = '\u0000question\u0000'

/** A word in English is about five letters and a third more tokens; the template of a chat adds some. */
function guess({ prompt, system = '' }: { prompt: string; system?: string | undefined }): number {
  return Math.ceil((prompt.length + system.length) / 4) + 32
}
