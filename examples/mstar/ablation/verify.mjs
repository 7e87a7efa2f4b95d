/** The reward model as a verifier: from n answers, the best one or a weighted vote, beside a vote of equals. */
import { answerScore, scoreAnswers, weightedVote } from '@evolmm/mstar'
import { loadVlm } from '@evolmm/vlm'
import { answersTo, promptOf } from '../examine.mjs'

/** For each set, shares of questions that are answered right from n answers, for n of 1, 2, 4 and so on up to `samples`. */
export async function verify(model, reward, sets, { samples, seed }) {
  const vlm = await loadVlm(model, { device: 'cpu', threads: 1 })
  try {
    const adapter = await vlm.loadAdapter(reward, {})
    const found = {}
    for (const [name, asked] of Object.entries(sets)) {
      const drawn = await answersTo(vlm, asked, { samples, seed, temperature: 1 })
      const rows = []
      for (let i = 0; i < asked.length; i++) {
        const prompt = await promptOf(vlm, asked[i])
        const [steps] = await scoreAnswers({ vlm, adapter, groups: [{ prompt, answers: drawn[i] }] })
        const each = drawn[i].map((answer, a) => ({ ...answer, weight: answerScore(steps[a]) ?? 0 }))
        rows.push(choices(spread(each, seed + i)))
      }
      found[name] = rows[0].map(({ n }, place) => ({ n, ...means(rows.map((row) => row[place])) }))
    }
    return found
  } finally {
    await vlm.dispose()
  }
}

/** Answers as they might have been drawn one by one. */
function spread(answers, seed) {
  const all = answers.flatMap((answer) =>
    Array.from({ length: answer.count }, () => ({ ...answer, count: 1 })),
  )
  let state = seed + 1
  for (let i = all.length - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647
    const j = state % (i + 1)
    ;[all[i], all[j]] = [all[j], all[i]]
  }
  return all
}

/** Means over all groups of n that do not overlap. */
function choices(answers) {
  const rows = []
  for (let n = 1; n <= answers.length; n *= 2) {
    const groups = Array.from({ length: answers.length / n }, (_, g) => answers.slice(g * n, (g + 1) * n))
    rows.push({ n, ...means(groups.map((group) => chosen(group))) })
  }
  return rows
}

function chosen(group) {
  const best = group.reduce((one, other) => (other.weight > one.weight ? other : one))
  const isRight = (reading) =>
    Number(reading !== null && group.some((one) => one.reading === reading && one.right))
  return {
    majority: isRight(weightedVote(group.map(({ reading }) => ({ reading, weight: 1 })))),
    weighted: isRight(weightedVote(group)),
    best: Number(best.right === true),
    any: Number(group.some(({ right }) => right)),
  }
}

function means(rows) {
  const names = ['majority', 'weighted', 'best', 'any']
  return Object.fromEntries(
    names.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0) / rows.length]),
  )
}
