/**
 * Tokens of the longest prompt of each role, about the largest image: counted where the model has a tokenizer, else
 * guessed from the characters.
 */
import { defaultProposerPrompt, defaultSolverPrompt, fallbackQuestion } from '@evolmm/trainer'
import type { OpenedConfig } from '@evolmm/vlm'
import type { TrainConfig } from '../train/config/train-settings'

type Model = Pick<OpenedConfig, 'config' | 'textTokens'>

export function promptTokens(
  config: TrainConfig,
  { solver, proposer }: { solver: Model; proposer: Model },
  imagePatches: number,
): { solver: number; proposer: number } {
  const system = config.system_prompt ?? undefined
  const count = ({ config: { vision }, textTokens = guess }: Model, prompt: string) =>
    textTokens({ prompt, system }) + imagePatches / vision.spatialMergeSize ** 2
  const template = config.solver_prompt ?? defaultSolverPrompt
  const asked = (question: string) =>
    count(
      solver,
      template.replaceAll('{question}', () => question),
    )
  const places = template.split('{question}').length - 1
  return {
    // A question may be as long as its writer is allowed to write.
    solver: Math.max(asked('') + places * config.max_new_tokens_proposer, asked(fallbackQuestion)),
    proposer: count(proposer, config.proposer_prompt ?? defaultProposerPrompt),
  }
}

/** A word in English is about five letters and a third more tokens; the template of a chat adds some. */
function guess({ prompt, system = '' }: { prompt: string; system?: string | undefined }): number {
  return Math.ceil((prompt.length + system.length) / 4) + 32
}
