/** What the two roles are asked; when nothing else is given, the content of the published prompts in our words. */
import { checkObject } from '@evolmm/internal'
import type { ProposerPrompt, SolverPrompt } from './custom-functions'
import type { EvolmmSettings } from './settings/settings'

const defaultProposerPrompt = `You are the question proposer. Look at the image and write exactly one question about it.
- It can be answered from the image alone, with a short answer: a number, a word or a phrase.
- It asks for something that has to be worked out from what is shown; it is not trivial, and it is not mere counting.
- It is clear: one answer only, no knowledge from elsewhere, one or two sentences; with the unit, if the answer has one.
- It does not give its answer away.
Write exactly these two tags and nothing else:
<question>the question</question>
<rationale>why it is not trivial, and how the image answers it</rationale>`

/** `{question}` stands for the question. */
const defaultSolverPrompt = `You are a precise solver of questions about images. Use the image alone. Think briefly, then give a short final answer: a number, a word or a phrase.
Question: {question}
Write only the final answer inside the tag, without any steps:
<answer>the final answer</answer>`

/** Asked when a proposer writes nothing and malformed questions are not skipped. */
export const fallbackQuestion = 'What is the most prominent value shown in the image?'

export function proposerPrompt(settings: Pick<EvolmmSettings, 'proposer_prompt'>): ProposerPrompt {
  checkObject('settings', settings)
  const { proposer_prompt: own } = settings
  return typeof own === 'function' ? own : () => own ?? defaultProposerPrompt
}

export function solverPrompt(settings: Pick<EvolmmSettings, 'solver_prompt'>): SolverPrompt {
  checkObject('settings', settings)
  const { solver_prompt: own } = settings
  if (typeof own === 'function') return own
  return ({ question }) => (own ?? defaultSolverPrompt).replaceAll('{question}', () => question)
}
