/** The evaluation probe of `evolmm train`: labelled questions, asked and understood as the solver is in training. */
import { openProbe } from '@evolmm/eval'
import { parseAnswer } from '@evolmm/rewards'
import { optionsOf } from '@evolmm/settings'
import { normalizer, solverPrompt, type EvolmmSettings, type Probe } from '@evolmm/trainer'

export async function chooseProbe(settings: EvolmmSettings): Promise<Probe | undefined> {
  if (settings.probe_data === null) return undefined
  const normalize = normalizer(settings)
  const ask = solverPrompt(settings)
  const measure = await openProbe({
    file: settings.probe_data,
    own: {
      prompt: (question) => ask({ question, image: '', step: 0 }),
      ...optionsOf({ system: settings.system_prompt }),
      judge: (text, answers) => {
        const key = normalize(parseAnswer(text, { untagged: settings.untagged_answers }).answer)
        return { key, right: answers?.some((answer) => key !== null && normalize(answer) === key) ?? null }
      },
    },
    limit: settings.probe_limit,
    samples: settings.probe_samples,
    temperature: settings.temp,
    max_new_tokens: settings.max_new_tokens_solver,
    seed: settings.seed,
  })
  return { every: settings.probe_every, run: ({ vlm, adapter }) => measure({ sampler: vlm, adapter }) }
}
