/** One run: self-evolution of the stored checkpoint under some settings, measured on labelled charts on the way. */
import { appendFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { openImageDataset } from '@evolmm/dataset'
import { resolve } from '@evolmm/settings'
import {
  labelledPairs,
  measureAccuracy,
  measures,
  proposerPrompt,
  questionKinds,
  summarizeAccuracy,
} from '@evolmm/tiny-world'
import { evolmmSettings, evolve, startState } from '@evolmm/trainer'
import { loadVlm } from '@evolmm/vlm'
import { confidentReward, oracleReward, randomReward } from './rewards.mjs'
import { loadProgress, saveProgress } from './progress.mjs'
import { runLog } from './run-log.mjs'

/** Answers that are one tag and nothing else, or come after what is read. */
const answerTokens = { checkpoint: 16, 'checkpoint-reading': 48 }

/**
 * @returns what is stored of the run. `records`: a file that gets a line for each iteration; beside it is the progress of
 * the run, to go on from.
 */
export async function runCondition({ condition, seed, settings, charts, records }) {
  const { start, split, updates, measured, reward, lr, beta } = settings
  const folder = fileURLToPath(new URL(`../../packages/tiny-world/${start}`, import.meta.url))
  const vlm = await loadVlm(folder, { device: 'cpu', threads: 1 })
  const state = startState({
    solver: vlm.createAdapter({ seed: 2 * seed }),
    proposer: vlm.createAdapter({ seed: 2 * seed + 1 }),
  })
  const pairs = labelledPairs({ split, charts: 300, questions: 4 })
  const measure = async () => {
    const results = await measureAccuracy(vlm, {
      pairs,
      adapter: state.solver.adapter,
      seed,
      maxNewTokens: answerTokens[start],
      sampledFrom: start === 'checkpoint' ? 'score' : 'samples',
    })
    const { all, kinds } = summarizeAccuracy(results)
    const means = (row) => measures.map((name) => rounded(row[name].mean))
    return {
      step: state.step,
      all: means(all),
      // Kinds are in the order of `questionKinds`: greedy, sampled, voted.
      kinds: questionKinds.map((kind) => means(kinds[kind]).slice(0, 3)),
    }
  }

  const file = records && `${records}.progress`
  const before = file && (await loadProgress(file, state))
  const own = { random: randomReward(seed), oracle: oracleReward(), confident: confidentReward() }
  const accuracy = before?.accuracy ?? []
  const log = runLog(before?.log)
  let seconds = before?.seconds ?? 0
  if (records !== undefined && before === undefined) await rm(records, { force: true })
  if (updates > 0) {
    const iterations = evolve({
      solver: vlm,
      proposer: vlm,
      images: await openImageDataset({ root: charts, seed, reshuffle: true }),
      state,
      settings: resolve(evolmmSettings, {
        total_steps: updates,
        seed,
        batch_size: settings.batch ?? 8,
        solver_update: settings.solverUpdate,
        proposer_update_freq: settings.proposerEvery,
        baseline: settings.baseline,
        proposer_baseline: 'ema',
        kl_control: settings.control,
        kl_coef: beta,
        lr,
        proposer_lr: settings.proposerEvery > 0 ? settings.proposerLr : undefined,
        warmup_steps: 10,
        proposer_prompt: proposerPrompt,
        solver_prompt: '{question}',
        max_new_tokens_proposer: 32,
        max_new_tokens_solver: answerTokens[start],
        reward: own[reward] ?? reward,
        // A reading of four bars has eight words.
        len_penalty_target_words: start !== 'checkpoint' && reward === 'continuous' ? 8 : undefined,
      }),
    })
    for await (const record of iterations) {
      seconds += record.seconds.total
      log.add(record)
      if (records !== undefined) await appendFile(records, `${JSON.stringify(slim(record))}\n`)
      if (!measured.includes(record.step)) continue
      accuracy.push(await measure())
      if (file !== undefined) await saveProgress(file, { state, accuracy, seconds, log: log.read() })
    }
  } else accuracy.push(await measure())
  await vlm.dispose()
  return { condition, seed, settings, seconds: Math.round(seconds), accuracy, ...log.read() }
}

function rounded(value) {
  return Number(value.toFixed(5))
}

function slim({ images, seconds, ...rest }) {
  return {
    ...rest,
    images: images.map(({ relativePath, question, rejected, questionLogProbability, answers, ...image }) => ({
      relativePath,
      question,
      rejected,
      questionLogProbability,
      answers: answers.map(({ answer, reward, advantage }) => [answer, reward, advantage]),
      majority: image.majority,
      agreement: image.agreement,
      entropy: image.entropy,
    })),
    seconds: seconds.total,
  }
}
