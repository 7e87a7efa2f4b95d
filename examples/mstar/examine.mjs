/** What a model can do on questions that it never learns from. The truth is looked up for these numbers alone. */
import { dynamics, generate, splitSteps } from '@evolmm/mstar'
import { drawChart, filledPrompt, isWhollyTrue, stepQuestionPrompt } from '@evolmm/tiny-world'
import { loadVlm } from '@evolmm/vlm'

/**
 * For each set of questions by its name:
 * - `greedy`, `sampled`: right answers without chance, and drawn ones;
 * - `majority`, `any`: questions that most of the drawn answers get right, and that at least one does;
 * - `proven`: drawn answers all of whose steps are true;
 * - `bare`: drawn answers without any step before them.
 */
export async function examine(model, sets, { samples = 8, seed = 0 } = {}) {
  const vlm = await loadVlm(model, { device: 'cpu', threads: 1 })
  try {
    const found = {}
    for (const [name, asked] of Object.entries(sets))
      found[name] = await numbersOf(vlm, asked, { samples, seed })
    return found
  } finally {
    await vlm.dispose()
  }
}

async function numbersOf(vlm, asked, { samples, seed }) {
  const greedy = await answersTo(vlm, asked, { samples: 1, seed, temperature: 0 })
  const drawn = await answersTo(vlm, asked, { samples, seed, temperature: 1 })
  const { pass, ...watched } = dynamics(
    drawn.map((answers, i) => ({ greedy: greedy[i][0].right === true, answers: answers.map(monitored) })),
  )
  const share = (holds) => {
    const counts = drawn.flatMap((answers, i) =>
      answers.map((answer) => (holds(answer, asked[i]) ? answer.count : 0)),
    )
    return counts.reduce((sum, count) => sum + count, 0) / (samples * asked.length)
  }
  return {
    greedy: watched.greedy,
    sampled: pass.get(1),
    majority: watched.majority,
    any: pass.get(samples),
    proven: share(({ text }, about) => isWhollyTrue(text, about)),
    bare: share(({ text }) => splitSteps(text).length < 2),
  }
}

/** Returns the distinct answers to each question. */
export async function answersTo(vlm, asked, { samples, seed, temperature }) {
  const images = new Map()
  for (const { chart } of asked) images.set(chart.seed, await drawChart(chart))
  const batches = generate({
    sampler: vlm,
    questions: asked.map(({ chart, question, answer, options }, number) => ({
      ...{ number, question, options, answers: [answer], images: [images.get(chart.seed)] },
      ...{ kind: null, source: null },
    })),
    promptFor: ({ number }) => filledPrompt(stepQuestionPrompt, asked[number]),
    seedOf: ({ number }) => [seed, number],
    ...{ samples, temperature, scorer: 'exact', maxNewTokens: 48, batch: 25 },
  })
  const found = []
  for await (const batch of batches) found.push(...batch.map(({ answers }) => answers))
  return found
}

export async function promptOf(vlm, about) {
  const images = [await vlm.encodeImage(await drawChart(about.chart))]
  return vlm.prompt({ images, prompt: filledPrompt(stepQuestionPrompt, about) })
}

function monitored({ text, ids, count, reading, right }) {
  return {
    ...{ reading, count, right: right === true, score: null },
    ...{ tokens: ids.length, steps: splitSteps(text).length },
  }
}
