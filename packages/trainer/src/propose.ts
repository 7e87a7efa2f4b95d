/** The Proposer's half of an iteration: one question for each image. */
import { asMemoryAllows, mean } from '@evolmm/internal'
import { parseQuestion } from '@evolmm/rewards'
import type { Completion, Prompt } from '@evolmm/vlm'
import { optionsOf } from '@evolmm/settings'
import { reached, type Episode, type Proposed } from './episode'
import type { Loop } from './loop'
import { malformedFaults } from './malformed-faults'
import { placesBefore } from './over-group'
import { fallbackQuestion, proposerPrompt } from './prompts'
import { roleSeed } from './role-seed'
import { samplePrompts } from './sample-prompts'

export async function propose(loop: Loop, step: number, episodes: readonly Episode[]): Promise<void> {
  const { proposer, state, settings, group } = loop
  const seen = reached(episodes, 'seen')
  const first = await placesBefore(group, seen.length)
  if (seen.length === 0) return
  const promptFor = proposerPrompt(settings)
  const prompts = seen.map(({ sample, seen: { proposer: image } }) =>
    proposer.prompt({
      images: [image],
      prompt: promptFor({ image: sample.relativePath, step }),
      ...optionsOf({ system: settings.system_prompt }),
    }),
  )
  const completions = await samplePrompts(proposer, {
    prompts,
    adapter: state.proposer.adapter,
    temperature: settings.temp,
    topP: settings.top_p,
    topK: settings.top_k,
    maxNewTokens: settings.max_new_tokens_proposer,
    seeds: seen.map((_, i) => roleSeed(settings.seed, step, 'proposer', first + i)),
  })
  const groups = prompts.map((prompt, i) => ({ prompt, completions: completions[i] }))
  // Before the first update the start proposer is the one that was sampled.
  const atStart =
    state.proposer.updates === 0
      ? completions.map(([{ logProbabilities }]) => logProbabilities)
      : await asMemoryAllows(groups, async (part) =>
          (await proposer.score({ groups: part })).completions.map(
            ([{ logProbabilities }]) => logProbabilities,
          ),
        )
  for (const [i, episode] of seen.entries())
    episode.proposed = judged(loop, {
      prompt: prompts[i],
      completion: completions[i][0],
      atStart: atStart[i],
    })
}

/** The judgement says whether the question will be asked. */
function judged(
  { solver, settings }: Loop,
  { prompt, completion, atStart }: { prompt: Prompt; completion: Completion; atStart: Float32Array },
): Proposed {
  const parsed = parseQuestion(completion.text)
  const logProbability = mean(atStart)
  const rejected =
    (settings.skip_malformed && parsed.faults.some((fault) => malformedFaults.includes(fault))) ||
    solver.marker?.test(parsed.question ?? '') === true
      ? 'malformed'
      : logProbability < (settings.min_question_logprob ?? -Infinity)
        ? 'unlikely'
        : null
  const question = parsed.question ?? (rejected === null ? fallbackQuestion : null)
  return { prompt, completion, parsed, question, rejected, logProbability }
}
