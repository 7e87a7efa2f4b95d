/** Rewards of the two controls, as functions of all answers of an iteration. */
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

/** `undefined` where there is none. `image`: a file that `writeCharts` wrote. */
export function trueAnswer(image, question) {
  const parsed = parseQuestion(question)
  return parsed && answerTo(parsed, chart(Number(/chart-(\d+)\.png$/.exec(image)[1])))
}
