/** What the report says of EvoLMM besides its curves, for somebody who sees a run for the first time. */
import { counted } from '@evolmm/internal'
import { isObject } from '@evolmm/internal'
import type { PageContent, RunFile, Sums } from '@evolmm/runs'
import { phaseNames, phases, type Phase, type PhaseSeconds } from '../record/phases'
import { panels } from '../record/panels'
import type { IterationRecord } from '../record/record'
import { alarmTexts } from './alarms'
import { gallery } from './gallery'

export const evolmmPage: PageContent<IterationRecord> = {
  panels: Object.values(panels),
  sums: ({ images }) => ({
    asked: images.filter(({ answers }) => answers.length > 0).length,
    answers: images.reduce((sum, { answers }) => sum + answers.length, 0),
  }),
  introduction: (sums) =>
    `A vision-language model asked itself ${counted(sums.asked, 'question')} about pictures${answeredTimes(sums)}. It is rewarded for answers that agree with each other, and is never told which are right: answers become consistent, and the table and the curves show what else changes.`,
  figures: (run, { asked, answers }) => {
    const { count } = imagesOf(run) ?? {}
    return [
      ...(count === undefined ? [] : [[count === 1 ? 'picture' : 'pictures', count] as const]),
      [asked === 1 ? 'question asked' : 'questions asked', asked],
      [answers === 1 ? 'answer' : 'answers', answers],
    ]
  },
  times: ({ seconds }) => ({
    total: seconds.total,
    parts: Object.fromEntries(phaseNames.map((phase) => [phases[phase].part, timeOf(seconds, phase)])),
  }),
  facts: (run) => {
    const images = imagesOf(run)
    return images === undefined
      ? []
      : [['pictures', `${images.count.toLocaleString('en-US')} in ${images.root}`]]
  },
  alarmsOf: ({ watch }) => watch.alarms,
  alarms: alarmTexts,
  gallery,
}

function imagesOf({ images }: RunFile): { root: string; count: number } | undefined {
  if (!isObject(images)) return undefined
  const { root, count } = images
  return typeof root === 'string' && typeof count === 'number' ? { root, count } : undefined
}

function answeredTimes({ asked, answers }: Sums): string {
  if (answers === 0) return ''
  const times = answers / asked
  return ` and answered each of them ${times === 1 ? 'once' : `${Math.round(times)} times`}`
}

/** A log of before there was the phase does not have it. */
function timeOf(seconds: Readonly<Partial<PhaseSeconds>>, phase: Phase): number {
  return seconds[phase] ?? 0
}
