/** Prompts with what follows them must fit into the positions of the model. */
import { EvolmmError } from './errors'
import type { Model } from './model'
import type { Prompt } from './types'

export function checkLengths({ backbone }: Model, prompts: readonly Prompt[], newTokens: number): void {
  const { maxPositions } = backbone.sizes
  for (const { ids } of prompts)
    if (ids.length + newTokens > maxPositions)
      throw new EvolmmError(
        'PROMPT_TOO_LONG',
        `prompt: with ${newTokens} more tokens it must fit into ${maxPositions} positions, got ${ids.length} tokens; ` +
          'shorten it, ask for fewer new tokens, or scale the image down',
      )
}
