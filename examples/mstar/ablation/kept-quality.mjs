/** What only this world can tell: how many of the rationales that a run has kept are true in every step. */
import { join } from 'node:path'
import { answerScore, readRollouts, selectAnswers } from '@evolmm/mstar'
import { isWhollyTrue } from '@evolmm/tiny-world'

/** The share of the answers of a cycle that were kept; null where nothing was. `asked`: the questions of the run's file. */
export async function keptQuality(
  folder,
  { cycle, alpha, asked, selection: rule = 'none', select_k: k = 2, seed },
) {
  const rollouts = await readRollouts(
    join(folder, 'rollouts', `cycle_${String(cycle).padStart(4, '0')}.jsonl`),
  )
  const kept = { count: 0, true: 0 }
  try {
    for (let place = 0; place < rollouts.length; place++) {
      const { question, answers } = await rollouts.at(place)
      const scored = answers.map(({ right, steps }) => ({ right, score: steps && answerScore(steps) }))
      for (const i of selectAnswers(scored, { rule, k, alpha, seed: seed + cycle, question })) {
        kept.count++
        kept.true += Number(isWhollyTrue(answers[i].text, asked[question]))
      }
    }
  } finally {
    await rollouts.close()
  }
  return kept.count === 0 ? null : kept.true / kept.count
}
