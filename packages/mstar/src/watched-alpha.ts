/** The threshold that validation answers of today's policy speak for: those that are watched anyway. */
import { answerScore } from './answer-score'
import { chooseAlpha, type JudgedAnswer } from './choose-alpha'
import { phaseProgress } from './progress'
import { sampledAnswers, type Watched } from './watch'

export async function watchedAlpha(watched: Watched): Promise<number> {
  const { settings, validation, cycle, onProgress } = watched
  const total = validation.length * settings.num_generations
  const sampled = await sampledAnswers(watched, phaseProgress({ phase: 'monitor', cycle, total }, onProgress))
  try {
    const judged: JudgedAnswer[] = []
    for (let place = 0; place < sampled.length; place++)
      for (const { right, steps, count } of (await sampled.at(place)).answers)
        // What has no steps says nothing.
        if (steps?.length !== 0) judged.push({ right, count, score: steps && answerScore(steps) })
    return chooseAlpha(judged)
  } finally {
    await sampled.close()
  }
}
