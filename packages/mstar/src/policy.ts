/** What a run asks of its models, and the answers that it has on disk. */
import { join } from 'node:path'
import { makeFolder, unwritable } from '@evolmm/internal/node'
import type { Adapter, Prompt, Sampler } from '@evolmm/vlm'
import { optionsOf } from '@evolmm/settings'
import { generate, type NumberedQuestion } from './generate'
import { questionPrompt } from './question-prompt'
import type { RolledAnswer, Rollout } from './rollout'
import type { PhaseProgress } from './progress'
import { openRollouts, type RolloutsFile, type RolloutsHead } from './rollouts-file'
import { scoreAnswers } from './score-answers'
import { scoreSteps, type StepScorer } from './score-steps'
import type { MstarSettings } from './settings'
import type { TokenReader } from './step-tokens'
import type { Questions } from './open-questions'

/** What answers, and what scores answers. */
export interface AnsweringModels {
  vlm: Pick<Sampler, 'identity' | 'encodeImage' | 'prompt' | 'sample' | 'score'> & { tokenizer: TokenReader }
  /** The base model where there is none. */
  policy: Adapter | undefined
  /** The reward model; none where answers are not scored, or a function scores them. */
  reward: Adapter | undefined
  /** The function that scores steps in place of a reward model. @default none */
  stepScorer?: StepScorer | undefined
}

export interface Models extends AnsweringModels {
  /** The policy, whose parameters are trained in place. */
  policy: Adapter
}

/** The settings by which answers are drawn, and scored. */
export type AnswerSettings = Pick<
  MstarSettings,
  | 'question_prompt'
  | 'system'
  | 'scorer'
  | 'top_p'
  | 'top_k'
  | 'max_new_tokens'
  | 'questions_per_run'
  | 'steps_by'
>

/** What answers are asked for, and where they are kept. */
export interface AnswersWanted {
  file: string
  head: RolloutsHead
  questions: Questions
  numbers: readonly number[]
  samples: number
  temperature: number
  /** The parts of the seeds of all answers of the file. */
  seed: readonly number[]
  signal?: AbortSignal | undefined
  /** What is asked about a question. @default as the settings say */
  promptFor?: ((question: NumberedQuestion) => string) | undefined
  /** True for what nobody can write again, since the policy has moved on. @default false */
  mustBeThere?: boolean | undefined
  /** What becomes of a file of other answers. @default it begins anew */
  others?: 'replace' | 'refuse' | undefined
  /** The phase that the answers belong to hears of them. */
  progress?: PhaseProgress | undefined
}

/** What decides what the policy writes now, as a text. */
export function policyDigest({ vlm, policy }: Pick<AnsweringModels, 'vlm' | 'policy'>): string {
  return String(vlm.identity?.(policy).adapter)
}

/**
 * Answers to all questions on disk, in ascending order of their numbers: those that are there are kept, the others are asked.
 * `undefined` where a signal came before all were there; what is there stays.
 */
export async function answersOnDisk(
  models: AnsweringModels,
  settings: AnswerSettings,
  wanted: AnswersWanted,
): Promise<RolloutsFile | undefined> {
  const { file, head, questions, numbers, samples, temperature, seed, signal, mustBeThere, progress } = wanted
  const { promptFor = questionPrompt(settings) } = wanted
  await makeFolder(join(file, '..')).catch(unwritable(file))
  const stored = await openRollouts(file, head, {
    isWhole: mustBeThere === true ? numbers.length : undefined,
    others: wanted.others,
  })
  const isStopped = () => signal?.aborted === true
  const left = [...numbers].sort((a, b) => a - b).slice(stored.length)
  progress?.skip(samples * stored.length)
  try {
    const batches = generate({
      sampler: models.vlm,
      adapter: models.policy,
      questions: questions.some(left),
      promptFor,
      ...optionsOf({ system: settings.system, scorer: settings.scorer }),
      ...{ samples, temperature, topP: settings.top_p, topK: settings.top_k },
      maxNewTokens: settings.max_new_tokens,
      seedOf: ({ number }) => [...seed, number],
      batch: settings.questions_per_run,
    })
    if (!isStopped())
      for await (const batch of batches) {
        await stored.append(await scored(models, settings, questions, batch))
        progress?.add(samples * batch.length)
        if (isStopped()) break
      }
  } catch (error) {
    await stored.close()
    throw error
  }
  if (stored.length === numbers.length) return stored
  await stored.close()
  return undefined
}

/** The same answers with what the reward model, or the function in its place, says of their steps. */
export async function scored(
  { vlm, reward, stepScorer }: Pick<AnsweringModels, 'vlm' | 'reward' | 'stepScorer'>,
  settings: AnswerSettings,
  questions: Pick<Questions, 'at'>,
  rollouts: readonly Rollout[],
): Promise<readonly Rollout[]> {
  if (stepScorer !== undefined) {
    const rule = settings.steps_by
    const found: Rollout[] = []
    for (const rollout of rollouts)
      found.push(
        await scoreSteps(stepScorer, { question: await questions.at(rollout.question), rollout, rule }),
      )
    return found
  }
  if (reward === undefined) return rollouts
  const groups = []
  for (const { question, answers } of rollouts)
    groups.push({ prompt: await promptOf(vlm, settings, await questions.at(question)), answers })
  const steps = await scoreAnswers({ vlm, adapter: reward, groups, rule: settings.steps_by })
  return rollouts.map((rollout, r) => ({
    ...rollout,
    answers: rollout.answers.map((answer, a): RolledAnswer => ({ ...answer, steps: steps[r][a] })),
  }))
}

/** A question as the policy reads it. */
export async function promptOf(
  vlm: Pick<Models['vlm'], 'encodeImage' | 'prompt'>,
  settings: Pick<AnswerSettings, 'question_prompt' | 'system'>,
  question: NumberedQuestion,
): Promise<Prompt> {
  const images = []
  for (const image of question.images) images.push(await vlm.encodeImage(image))
  return vlm.prompt({
    images,
    prompt: questionPrompt(settings)(question),
    ...optionsOf({ system: settings.system }),
  })
}
