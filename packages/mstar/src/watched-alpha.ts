/** The threshold that validation answers of today's policy speak for: those that are watched anyway. */
import { chooseAlpha } from './choose-alpha'
import { judgedAnswers } from './judged-answers'
import { phaseProgress } from './progress'
import { sampledAnswers, type Watched } from './watch'

export async function watchedAlpha(watched: Watched): Promise<number> {
  const { settings, validation, cycle, onProgress } = watched
  const total = validation.length * settings.num_generations
  const sampled = await sampledAnswers(watched, phaseProgress({ phase: 'monitor', cycle, total }, onProgress))
  try {
    return chooseAlpha(await judgedAnswers(sampled))
  } finally {
    await sampled.close()
  }
}
