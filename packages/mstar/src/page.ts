/** What the page says of a run besides its curves, for somebody who sees one for the first time. */
import { counted } from '@evolmm/internal'
import type { PageContent } from '@evolmm/runs'
import { gallery } from './gallery'
import { panels } from './metrics'
import type { MstarRecord } from './record'

export const mstarPage: PageContent<MstarRecord> = {
  panels: Object.values(panels),
  sums: ({ generated, answers }) => ({
    learned: answers,
    questions: generated?.questions ?? 0,
    drawn: generated?.answers ?? 0,
  }),
  introduction: ({ drawn, questions, learned }, changes) => {
    const change = changes.get('greedy')
    const outcome =
      change === undefined
        ? 'Nothing was watched that would say how that went.'
        : `The share of validation questions that it answers right ${
            { rise: 'rose', fall: 'fell', none: 'stayed about the same' }[change.direction]
          }: ${change.first.toFixed(3)} at first, ${change.last.toFixed(3)} at the end.`
    const did =
      drawn === 0
        ? `learned ${counted(learned, 'answer')} that came with the questions`
        : `wrote ${counted(drawn, 'answer')} to ${counted(questions, 'question')}, and learned ${counted(learned, 'right one')} of its own`
    return `A vision-language model ${did}. ${outcome}`
  },
  figures: (_, { questions, drawn, learned }) => [
    ['questions', questions],
    ['answers', drawn],
    ['answers learned', learned],
  ],
  times: ({ seconds, phases }) => {
    const { generate, monitor, sweep } = phases
    return {
      total: seconds + generate + monitor + sweep,
      parts: { generate, learn: seconds, monitor, sweep },
    }
  },
  facts: ({ questions }) =>
    typeof questions === 'number' ? [['questions', questions.toLocaleString('en-US')]] : [],
  gallery,
  sweeps: {
    title: 'Temperatures that were tried',
    lead: 'Reward-Pass@2 on validation questions by temperature: the share with a right answer among the two of the highest scores. What is chosen is the highest, of equal ones the nearest to what it was.',
    axis: 'temperature',
    of: ({ sweep, cycle, temperature }) =>
      sweep && {
        title: `Before cycle ${cycle}: ${temperature}`,
        points: sweep.map((one) => ({ at: one.temperature, value: one.score })),
        chosen: temperature,
      },
  },
}
