/** What the report says of EvoLMM besides its curves, for somebody who sees a run for the first time. */
import { isObject } from '@evolmm/internal'
import type { PageContent, RunFile, Sums } from '@evolmm/runs'
import { agreementPanel } from '../metrics/votes'
import { distancePanel, machineryPanel } from '../metrics/updates'
import { lengthPanel } from '../metrics/lengths'
import { rewardPanel } from '../metrics/rewards'
import type { IterationRecord } from '../record'
import { alarmTexts } from './alarms'
import { counted } from './counted'
import { gallery } from './gallery'

export const evolmmPage: PageContent<IterationRecord> = {
  panels: [
    {
      title: agreementPanel,
      lead: 'The same question is answered several times. Agreement is what the model is rewarded for, so it should rise; whether the answers are right is another matter.',
    },
    {
      title: rewardPanel,
      lead: 'The solver earns for agreeing with itself. The proposer earns for questions that divide the solver without leaving it lost.',
    },
    {
      title: distancePanel,
      lead: 'A penalty keeps both roles near the model they began as. Too strong, and nothing changes; too weak, and the language comes apart.',
    },
    {
      title: lengthPanel,
      lead: 'Lengths should settle. Shrinking to almost nothing or growing to the limit are both shortcuts.',
    },
    {
      title: machineryPanel,
      lead: 'For those who tune: these say whether the steps are sound, not whether the model is good.',
    },
  ],
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
  times: ({ seconds: { total, encode, propose, solve, learn, probe } }) => ({
    total,
    parts: {
      'seeing the pictures': encode,
      asking: propose,
      answering: solve,
      learning: learn,
      evaluating: probe,
    },
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
