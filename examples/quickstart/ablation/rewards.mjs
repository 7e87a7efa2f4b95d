/** Rewards that are not built in, as functions of all answers of an iteration. */
import { continuousSolverReward } from '@evolmm/rewards'
import { drawAt, uniform } from '@evolmm/rl-core'
import { answerTo, chart, parseQuestion } from '@evolmm/tiny-world'

/** Uniform from 0 to 1, whatever the answer: what an update does by itself. */
export function randomReward(seed) {
  return (batch) =>
    batch.map(({ step }, position) => {
      const { key, counter } = drawAt({ seed, step, role: 255, position })
      return uniform(key, counter)
    })
}

/** 1 for the true answer, 0 for any other; no score where the chart answers no such question: what labels can do. */
export function oracleReward() {
  return (batch) =>
    batch.map(({ image, question, answer }) => {
      const truth = trueAnswer(image, question)
      return truth === undefined ? null : answer === truth ? 1 : 0
    })
}

/** The continuous reward, of questions with three equal answers or more; the others are not scored. */
export function confidentReward() {
  const reward = continuousSolverReward()
  return (batch) => {
    const rewards = reward(batch)
    const alike = (one, other) => other.group === one.group && other.answer === one.answer
    const clear = new Set(
      batch
        .filter((one) => one.answer !== null && batch.filter((other) => alike(one, other)).length >= 3)
        .map(({ group }) => group),
    )
    return batch.map(({ group }, i) => (clear.has(group) ? rewards[i] : null))
  }
}

/** `undefined` where there is none. `image`: a file that `writeCharts` wrote. */
export function trueAnswer(image, question) {
  const parsed = parseQuestion(question)
  return parsed && answerTo(parsed, chart(Number(/chart-(\d+)\.png$/.exec(image)[1])))
}
