/** Answers on disk as a threshold is chosen by: those with steps. */
import { answerScore } from './answer-score'
import type { JudgedAnswer } from './choose-alpha'
import type { JournalReader } from './journal'
import type { Rollout } from './rollout'

export async function judgedAnswers(rollouts: JournalReader<Rollout>): Promise<JudgedAnswer[]> {
  const judged: JudgedAnswer[] = []
  for (let place = 0; place < rollouts.length; place++)
    for (const { right, steps, count } of (await rollouts.at(place)).answers)
      // What has no steps says nothing.
      if (steps?.length !== 0) judged.push({ right, count, score: steps && answerScore(steps) })
  return judged
}
