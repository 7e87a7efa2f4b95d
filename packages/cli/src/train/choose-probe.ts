/** The evaluation probe of `evolmm train`: labelled questions, asked and understood as the solver is in training. */
import { openProbe } from '@evolmm/eval'
import { parseAnswer } from '@evolmm/rewards'
import { normalizer, solverPrompt, type EvolmmSettings, type Probe } from '@evolmm/trainer'

export async function chooseProbe(config: EvolmmSettings): Promise<Probe | undefined> {
  if (config.probe_data === null) return undefined
  const normalize = normalizer(config)
  const ask = solverPrompt(config)
  const measure = await openProbe({
    file: config.probe_data,
    own: {
      prompt: (question) => ask({ question, image: '', step: 0 }),
      system: config.system_prompt ?? undefined,
      judge: (text, answers) => {
        const key = normalize(parseAnswer(text, { untagged: config.untagged_answers }).answer)
        return { key, right: answers?.some((answer) => key !== null && normalize(answer) === key) ?? null }
      },
    },
    limit: config.probe_limit ?? undefined,
    samples: config.probe_samples,
    temperature: config.temp,
    maxNewTokens: config.max_new_tokens_solver,
    batchSize: 8,
    seed: config.seed,
  })
  return { every: config.probe_every, run: ({ vlm, adapter }) => measure({ sampler: vlm, adapter }) }
}
