/** The Solver's half of an iteration: N answers to each question that is asked. */
import { optionsOf } from '@evolmm/settings'
import { reached, type Episode } from './episode'
import type { Loop } from './loop'
import { placesBefore } from './over-group'
import { solverPrompt } from './prompts'
import { roleSeed } from './role-seed'
import { samplePrompts } from './sample-prompts'

export async function solve(loop: Loop, step: number, episodes: readonly Episode[]): Promise<void> {
  const { solver, state, settings, group } = loop
  const asked = reached(episodes, 'seen', 'proposed').filter(({ proposed }) => proposed.rejected === null)
  const first = await placesBefore(group, asked.length)
  if (asked.length === 0) return
  const promptFor = solverPrompt(settings)
  const prompts = asked.map(({ sample, seen, proposed }) =>
    solver.prompt({
      images: [seen.solver],
      prompt: promptFor({ question: proposed.question ?? '', image: sample.relativePath, step }),
      ...optionsOf({ system: settings.system_prompt }),
    }),
  )
  const completions = await samplePrompts(solver, {
    prompts,
    adapter: state.solver.adapter,
    samples: settings.num_solver_samples,
    temperature: settings.temp,
    topP: settings.top_p,
    topK: settings.top_k,
    maxNewTokens: settings.max_new_tokens_solver,
    seeds: asked.map((_, i) => roleSeed(settings.seed, step, 'solver', first + i)),
  })
  for (const [i, episode] of asked.entries())
    episode.answered = { place: first + i, prompt: prompts[i], completions: completions[i] }
}
