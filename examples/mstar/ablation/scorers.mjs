/** Scores of steps that no reward model gives: what a selection is worth that knows nothing, and one that knows all. */
import { basename } from 'node:path'
import { chart, parseStepQuestion, stepTruths } from '@evolmm/tiny-world'

/** Returns a scorer whose scores are uniform from 0 to 1, whatever the answers. */
export function randomScores(seed) {
  const next = uniforms(seed)
  return ({ answers }) => answers.map(({ steps }) => steps.map(() => next()))
}

/** 1 for a step that is true of the chart, 0 for any other; the only step of an answer that gives none before it is 0. */
export function trueScores({ question: { question: text, images }, answers }) {
  const about = chart(Number(/^chart-(\d+)\.png$/.exec(basename(images[0]))[1]))
  const question = parseStepQuestion(text)
  return answers.map(({ steps }) => {
    const truths = stepTruths(steps.join('\n'), question, about)
    return steps.map((_, i) => Number(steps.length > 1 && truths[i].isTrue))
  })
}

/** Numbers from 0 to 1: the generator mulberry32. */
function uniforms(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
