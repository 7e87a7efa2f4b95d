/** What a reward model says of the answers that were held out, beside what their steps are worth. */
import type { Adapter, Sampler } from '@evolmm/vlm'
import { openJournal, type JournalHead } from '../journal'
import { promptOf } from '../policy'
import type { PhaseProgress } from '../progress'
import { scoreAnswers } from '../score-answers'
import type { TokenReader } from '../step-tokens'
import type { LabelledSources } from './examples'
import type { JudgedSteps } from './report'
import { scores as scoresKind, type ScoredAnswers } from './scores-file'
import type { PrmSettings } from './settings'

export interface ScoreHeldOutOptions {
  vlm: Pick<Sampler, 'encodeImage' | 'prompt' | 'score'> & { tokenizer: TokenReader }
  reward: Adapter
  sources: LabelledSources & { settings: PrmSettings }
  /** The lines of labels that were not learned from, in ascending order. */
  lines: readonly number[]
  file: string
  head: JournalHead
  progress: PhaseProgress
}

/** It goes on where a kill has left it. */
export async function scoreHeldOut(options: ScoreHeldOutOptions): Promise<JudgedSteps[]> {
  const { lines, file, head, progress, sources } = options
  const stored = await openJournal(file, head, scoresKind)
  try {
    progress.skip(stored.length)
    while (stored.length < lines.length) {
      await stored.append([await scoredLine(options, lines[stored.length])])
      progress.add(1)
    }
    const judged: JudgedSteps[] = []
    for (const [i, line] of lines.entries()) {
      const { place, answers } = await sources.labelled.at(line)
      const { answers: drawn } = await sources.rollouts.at(place)
      const { scores } = await stored.at(i)
      for (const [a, { answer, steps }] of answers.entries())
        judged.push({
          right: drawn[answer].right === true,
          steps: steps.map(({ value }, s) => ({ predicted: scores[a][s], value })),
        })
    }
    return judged
  } finally {
    await stored.close()
  }
}

async function scoredLine(
  { vlm, reward, sources }: ScoreHeldOutOptions,
  line: number,
): Promise<ScoredAnswers> {
  const { rollouts, labelled, questions, settings } = sources
  const { place, answers } = await labelled.at(line)
  const { question, answers: drawn } = await rollouts.at(place)
  const prompt = await promptOf(vlm, settings, await questions.at(question))
  const group = { prompt, answers: answers.map(({ answer }) => drawn[answer]) }
  const [scores] = await scoreAnswers({ vlm, adapter: reward, groups: [group], rule: settings.steps_by })
  return { place, scores }
}
