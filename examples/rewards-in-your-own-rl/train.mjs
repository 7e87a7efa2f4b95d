/**
 * A policy-gradient loop of your own around @evolmm/rewards: node train.mjs
 *
 * The "model" is the smallest thing that can self-evolve: for each of 20 questions, logits over six ways to write an
 * answer, three of them spellings of the right number. It starts unsure and is trained by REINFORCE with a
 * leave-one-out baseline on how much N sampled answers agree. No label takes part in training; labels are used at the
 * end only, to see what agreement did to accuracy: it rises where the right answer was the most likely one.
 */
import { continuousSolverReward, groupStatistics, solverSample } from '@evolmm/rewards'
import { fileURLToPath } from 'node:url'

const [N, STEPS, LEARNING_RATE] = [5, 4000, 1]

/** @param {{ seed?: number, reward?: import('@evolmm/rewards').Reward<import('@evolmm/rewards').SolverSample> }} options */
export function train({ seed = 1, reward = continuousSolverReward() } = {}) {
  const random = minimalStandard(seed)
  const questions = Array.from({ length: 20 }, (_, truth) => ({
    truth: String(truth),
    // Right in three spellings, wrong in two, and one way to give no answer at all.
    texts: [`${truth}`, `${truth}.0`, `${truth}/1`, `${truth + 1}`, `${truth + 2}`, ''],
    logits: Array.from({ length: 6 }, () => 2 * random()),
  }))

  const before = measure(questions, random)
  for (let step = 0; step < STEPS; step++) {
    const question = questions[step % questions.length]
    const p = softmax(question.logits)
    const picks = Array.from({ length: N }, () => draw(p, random))
    const samples = picks.map((pick) => solverSample(`<answer>${question.texts[pick]}</answer>`))

    const rewards = reward(samples).map((r) => r ?? 0)
    const total = rewards.reduce((sum, r) => sum + r, 0)
    picks.forEach((pick, i) => {
      const advantage = rewards[i] - (total - rewards[i]) / (N - 1)
      // The gradient of log p[pick] with respect to the logits is onehot(pick) - p.
      p.forEach((prob, k) => {
        question.logits[k] += (LEARNING_RATE * advantage * ((k === pick ? 1 : 0) - prob)) / N
      })
    })
  }
  return { before, after: measure(questions, random) }
}

/** Mean agreement and accuracy of 200 sampled answers for each question. */
function measure(questions, random) {
  let [agreement, accuracy] = [0, 0]
  for (const { texts, logits, truth } of questions) {
    const p = softmax(logits)
    const answers = Array.from(
      { length: 200 },
      () => solverSample(`<answer>${texts[draw(p, random)]}</answer>`).answer,
    )
    agreement += groupStatistics(answers).agreement / questions.length
    accuracy += answers.filter((answer) => answer === truth).length / answers.length / questions.length
  }
  return { agreement, accuracy }
}

function softmax(logits) {
  const exponentials = logits.map((logit) => Math.exp(logit))
  const sum = exponentials.reduce((a, b) => a + b, 0)
  return exponentials.map((e) => e / sum)
}

function draw(p, random) {
  let rest = random()
  const pick = p.findIndex((prob) => (rest -= prob) < 0)
  return pick < 0 ? p.length - 1 : pick
}

/** Any seeded generator will do; this is Park and Miller's minimal standard. */
function minimalStandard(seed) {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { before, after } = train()
  const percent = (share) => `${(100 * share).toFixed(1).padStart(5)} %`
  console.log(`            before     after`)
  console.log(`agreement  ${percent(before.agreement)}   ${percent(after.agreement)}`)
  console.log(`accuracy   ${percent(before.accuracy)}   ${percent(after.accuracy)}`)
}
