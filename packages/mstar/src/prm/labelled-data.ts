/** What a reward model learns from: answers of the completer, and the values of their steps, made or found on disk. */
import { join } from 'node:path'
import { shuffledOrder } from '@evolmm/dataset'
import { identityOf } from '@evolmm/settings'
import type { Adapter } from '@evolmm/vlm'
import type { JournalHead, JournalReader } from '../journal'
import type { Questions } from '../open-questions'
import { digestOf } from '../parts/digest'
import { answersOnDisk, policyDigest, type AnsweringModels } from '../policy'
import { countProgress, type Counts } from '../progress'
import type { Rollout } from '../rollout'
import { choosePairs } from './choose-pairs'
import { labelAnswers } from './label-answers'
import type { LabelledAnswers } from './labels-file'
import { prmSettings, type PrmSettings } from './settings'

/** Answers that are written, questions whose answers are labelled, and questions that were held out and are scored. */
export type PrmProgress = Counts & { phase: 'generate' | 'label' | 'score' }

export interface LabelledDataOptions {
  vlm: AnsweringModels['vlm']
  completer: Adapter | undefined
  settings: PrmSettings
  questions: Questions
  folder: string
  signal: AbortSignal
  onProgress: (progress: PrmProgress) => void
}

export interface LabelledData {
  rollouts: JournalReader<Rollout>
  labelled: JournalReader<LabelledAnswers>
  /** The lines of labels that are learned from, and those that are not. */
  learned: number[]
  heldOut: number[]
  close: () => Promise<void>
}

/** `undefined` where a signal came before all was there; what is there stays. */
export async function labelledData(options: LabelledDataOptions): Promise<LabelledData | undefined> {
  const { vlm, completer, settings, questions, folder, signal, onProgress } = options
  const { num_questions: wanted, seed } = settings
  const numbers = [...shuffledOrder({ length: questions.length, seed, epoch: 0 }).subarray(0, wanted)]
  const rollouts = await answersOf(options, numbers)
  if (rollouts === undefined) return undefined
  try {
    const chosen = await choosePairs({ rollouts, questions, numbers }, settings)
    const labelled = await labelAnswers({
      ...{ vlm, completer, settings, rollouts, questions, chosen, signal },
      file: join(folder, 'steps.jsonl'),
      head: headOf(options, ['Completer', 'Questions', 'Answers', 'Steps'], chosen.length),
      progress: countProgress(chosen.length, (counts) => {
        onProgress({ phase: 'label', ...counts })
      }),
    })
    if (labelled !== undefined) {
      const lines = (isHeldOut: boolean) =>
        [...chosen.keys()].filter((line) => chosen[line].isHeldOut === isHeldOut)
      const close = async () => {
        await labelled.close()
        await rollouts.close()
      }
      return { rollouts, labelled, learned: lines(false), heldOut: lines(true), close }
    }
  } catch (error) {
    await rollouts.close()
    throw error
  }
  await rollouts.close()
  return undefined
}

function answersOf(options: LabelledDataOptions, numbers: readonly number[]) {
  const { vlm, completer, settings, questions, folder, signal, onProgress } = options
  const { num_generations: samples, temperature, seed } = settings
  return answersOnDisk({ vlm, policy: completer, reward: undefined }, settings, {
    ...{ questions, numbers, samples, temperature, signal, others: 'refuse' },
    file: join(folder, 'answers.jsonl'),
    head: headOf(options, ['Completer', 'Questions', 'Answers'], numbers.length),
    seed: [seed, 0],
    progress: countProgress(samples * numbers.length, (counts) => {
      onProgress({ phase: 'generate', ...counts })
    }),
  })
}

/** What a file depends on: the questions, the completer, and the settings of some groups. */
function headOf(
  { vlm, completer, settings, questions }: LabelledDataOptions,
  groups: readonly string[],
  lines: number,
): JournalHead {
  const names = prmSettings.groups.flatMap(({ title, names: own }) => (groups.includes(title) ? own : []))
  const identity = identityOf(prmSettings, settings)
  return {
    ...{ data: questions.revision, policy: policyDigest({ vlm, policy: completer }) },
    settings: digestOf(Object.fromEntries(['seed', ...names].map((name) => [name, identity[name]]))),
    questions: lines,
  }
}
