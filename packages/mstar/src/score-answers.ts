/** What a process reward model, an adapter with a value head, says of the steps of answers. */
import { asMemoryAllows, checkList, checkNames, checkObject } from '@evolmm/internal'
import type { Adapter, Prompt, Sampler } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { RolledAnswer } from './rollout'
import { labelDefaults } from './label-steps'
import type { StepRule } from './split-steps'
import { stepTokens, type TokenReader } from './step-tokens'

export interface ScoreAnswersOptions {
  vlm: Pick<Sampler, 'score'> & { tokenizer: TokenReader }
  /** The adapter is the reward model: it has a value head. */
  adapter: Adapter
  groups: readonly AnsweredPrompt[]
  /** What ends a step. @default lines */
  rule?: StepRule | undefined
}

export interface AnsweredPrompt {
  prompt: Prompt
  answers: readonly Pick<RolledAnswer, 'ids' | 'text'>[]
}

/** The values at the ends of steps, for each answer of each group. Throws `INVALID_OPTION` for an adapter without a head. */
export async function scoreAnswers(options: ScoreAnswersOptions): Promise<number[][][]> {
  checkNames('scoreAnswers', options, { vlm: true, adapter: true, groups: true, rule: true })
  const { vlm, groups, rule = labelDefaults.rule } = options
  checkObject('vlm', vlm, 'score')
  checkList('groups', groups)
  const filled = groups.filter(({ answers }) => answers.length > 0)
  const values = await asMemoryAllows(filled, (part) => valuesOf(options, part))
  let next = 0
  return groups.map(({ answers }) => {
    if (answers.length === 0) return []
    const found = values[next++]
    return answers.map((answer, a) =>
      stepTokens(vlm.tokenizer, answer, rule).tokens.map((count) => found[a][count - 1]),
    )
  })
}

/** The value after each token of each answer. */
async function valuesOf(
  { vlm, adapter }: ScoreAnswersOptions,
  groups: readonly AnsweredPrompt[],
): Promise<Float32Array[][]> {
  if (groups.length === 0) return []
  const { completions } = await vlm.score({
    groups: groups.map(({ prompt, answers }) => ({
      prompt,
      completions: answers.map(({ ids }) => ({ ids })),
    })),
    adapter,
  })
  return completions.map((group) =>
    group.map(({ values }) => {
      if (values !== undefined) return values
      throw new EvolmmError(
        'INVALID_OPTION',
        'adapter: must have a value head, got none; pass a reward model, as evolmm sft --value_head makes it',
        { details: { option: 'adapter' } },
      )
    }),
  )
}
