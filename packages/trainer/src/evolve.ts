/**
 * The EvoLMM loop. For each image the Proposer asks a question, the Solver answers it N times, agreement is the reward,
 * and both roles learn by REINFORCE with an exact KL to where they began.
 *
 * An iteration counts as a whole or not at all: until it is yielded nothing of it is in `options.state`, whatever fails
 * or ends the run.
 */
import type { Sample } from '@evolmm/dataset'
import { EvolmmError } from '@evolmm/internal'
import { collapseWatch } from '@evolmm/rl-core'
import { imageCache, type EncodedImage } from '@evolmm/vlm'
import { checkOptions } from './check-options'
import { iterationRecord } from './iteration-record'
import { learner, type Lesson } from './learner'
import { emitWarning, type EvolveOptions } from './options'
import { propose, type SeenImage } from './propose'
import type { IterationRecord, PhaseSeconds } from './record'
import { solve } from './solve'

export async function* evolve(options: EvolveOptions): AsyncGenerator<IterationRecord, void, void> {
  checkOptions(options)
  const { state, totalSteps = 100, proposerUpdateFreq = 5, stopOnCollapse = false } = options
  const stopped = () => options.signal?.aborted === true
  const learners = { solver: learner('solver', options), proposer: learner('proposer', options) }
  const see = imageReader(options)
  const watch = collapseWatch(options.watch)

  while (state.step < totalSteps && !stopped()) {
    const step = state.step + 1
    const clock = stopwatch()

    const samples = await sampleBatch(options, step)
    const seen = await see(samples)
    clock.lap('encode')
    if (stopped()) return

    const proposals = await propose(options, step, seen)
    clock.lap('propose')
    if (stopped()) return

    const solved = await solve(
      options,
      step,
      proposals.filter(({ rejected }) => rejected === null),
    )
    clock.lap('solve')
    if (stopped()) return

    const asks = proposerUpdateFreq > 0 && step % proposerUpdateFreq === 0 && proposals.length > 0
    const discrete = options.rewards?.kind === 'discrete'
    const questions = proposals.map((proposal): Lesson => {
      const answered = solved.find((each) => each.proposal === proposal)?.proposerRewards
      // A question that could not be asked is worth nothing, which is less than any other.
      const reward = answered === undefined ? 0 : answered[discrete ? 'discrete' : 'continuous']
      return { prompt: proposal.prompt, completions: [proposal.completion], rewards: [reward] }
    })
    const answers = solved.map(({ prompt, completions, used }): Lesson => ({
      prompt,
      completions,
      rewards: used,
    }))
    const study = {
      proposer: asks ? await learners.proposer.study(questions, step) : null,
      solver: answers.length > 0 ? await learners.solver.study(answers, step) : null,
    }

    // From here on nothing waits and nothing fails.
    const solver = study.solver?.commit() ?? null
    const proposer = study.proposer?.commit() ?? null
    clock.lap('learn')
    const images = iterationRecord(samples, proposals, solved, {
      solver: study.solver?.advantages,
      proposer: study.proposer && {
        rewards: questions.map(({ rewards }) => rewards[0]),
        advantages: study.proposer.advantages,
      },
    })
    const answered = images.filter(({ answers }) => answers.length > 0)
    const watched = watch.observe(
      {
        questions: answered.map(({ question, majority, questionLogProbability: logProbability }) => ({
          text: (question ?? '').toLowerCase(),
          majority,
          logProbability,
        })),
        entropies: answered.map(({ entropy }) => entropy),
        rewards: answered.flatMap(({ answers }) => answers.map(({ reward }) => reward)),
        count: images.length,
        kl: { solver: solver?.kl ?? null, proposer: proposer?.kl ?? null },
      },
      state.watch,
    )
    state.watch = watched.state
    state.step = step
    yield { step, images, solver, proposer, watch: watched.record, probe: null, seconds: clock.read() }
    if (stopOnCollapse && watched.record.alarms.length > 0) return
  }
}

/** The dataset's next images; which they are depends on the step alone. */
async function sampleBatch({ images, batchSize = 1 }: EvolveOptions, step: number): Promise<Sample[]> {
  const batch: Sample[] = []
  for (let i = 0; i < batchSize; i++) batch.push(await images.sampleAt((step - 1) * batchSize + i))
  return batch
}

/** Encodes the images that can be decoded, once where both roles share a model, and again only when they have left the cache. */
function imageReader(options: EvolveOptions): (samples: readonly Sample[]) => Promise<SeenImage[]> {
  const { solver, proposer, imageCache: capacity = 256 * 2 ** 20, onWarning = emitWarning } = options
  const models = solver === proposer ? [solver] : [solver, proposer]
  const caches = models.map((model) => ({ model, cache: imageCache(capacity / models.length) }))
  return async (samples) => {
    const seen: SeenImage[] = []
    for (const sample of samples) {
      const encoded: EncodedImage[] = []
      try {
        for (const { model, cache } of caches)
          encoded.push(await cache.get(sample.path, () => model.encodeImage(sample.path)))
      } catch (error) {
        if (!(error instanceof EvolmmError) || !error.code.startsWith('IMAGE_')) throw error
        onWarning(`${sample.relativePath}: is left out of this iteration; ${error.message}`)
        continue
      }
      seen.push({ sample, solver: encoded[0], proposer: encoded.at(-1) ?? encoded[0] })
    }
    return seen
  }
}

/** Wall time by phase. */
function stopwatch() {
  const start = performance.now()
  let last = start
  const seconds: PhaseSeconds = { total: 0, encode: 0, propose: 0, solve: 0, learn: 0, probe: 0 }
  return {
    lap(phase: keyof PhaseSeconds) {
      const now = performance.now()
      seconds[phase] += (now - last) / 1000
      last = now
    },
    read: () => ({ ...seconds, total: (performance.now() - start) / 1000 }),
  }
}
