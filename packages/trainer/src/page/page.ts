/** What the report says of EvoLMM besides its curves, for somebody who sees a run for the first time. */
import { counted } from '@evolmm/internal'
import { isObject } from '@evolmm/internal'
import type { Change, Direction, PageContent, RunFile, Sums } from '@evolmm/runs'
import { phaseNames, phases, type Phase, type PhaseSeconds } from '../record/phases'
import { answersOf, askedImages } from '../metrics/means'
import { panels } from '../record/panels'
import type { IterationRecord } from '../record/record'
import { voteFields } from '../record/vote-fields'
import { alarmTexts } from './alarms'
import { gallery } from './gallery'

export const evolmmPage: PageContent<IterationRecord> = {
  panels: Object.values(panels),
  sums: (record) => ({
    asked: askedImages(record).length,
    answers: answersOf(record).length,
    valid: answersOf(record).filter(({ answer }) => answer !== null).length,
  }),
  introduction: (sums, changes) =>
    `A vision-language model asked itself ${counted(sums.asked, 'question')} about pictures${answeredTimes(sums)}. It is rewarded for answers that agree with each other, and is never told which are right. ${outcome(sums, changes.get(agreement))}`,
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

/** The number that says how it went. */
const [{ name: agreement }] = voteFields.agreement.shown

const outcomes: Readonly<Record<Direction, (from: string, to: string) => string>> = {
  rise: (from, to) =>
    `Its answers became more consistent: their agreement rose from ${from} to ${to}. The table and the curves show what else changed.`,
  fall: (from, to) =>
    `Its answers became less consistent: their agreement fell from ${from} to ${to}, so that it lost what it was rewarded for.`,
  none: (from, to) =>
    `Its answers did not become more consistent: their agreement was ${from} at first and ${to} at the end, which is no more than chance.`,
}

function outcome({ answers, valid }: Sums, change: Change | undefined): string {
  if (answers === 0) return 'No question was answered, so that there was nothing to learn from.'
  if (valid === 0)
    return 'Not one of its answers was valid, so that none counted and there was no agreement to learn from.'
  if (change === undefined) return 'Too little was recorded to say how that went.'
  return outcomes[change.direction](share(change.first), share(change.last))
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`
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
