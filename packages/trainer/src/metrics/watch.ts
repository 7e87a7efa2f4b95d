/** The numbers that tell of a collapse. */
import type { Metric } from '@evolmm/runs'
import { panels } from '../record/panels'
import type { IterationRecord } from '../record/record'

const title = 'Same answer, whatever the picture'

export const watchMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'watch/top_answer_share',
    meaning: 'how often the most frequent answer to a question text is given, over the latest questions',
    read: ({ watch }) => watch.topAnswerShare,
    label: 'solver',
    panel: panels.agreement.title,
    title,
    chart: {
      note: 'How often one question text gets its most frequent answer. A climb far above the start is the clearest sign of collapse, and agreement does not show it.',
      span: [0, 1],
      alarm: 'constant-answers',
    },
  },
  {
    name: 'watch/start_top_answer_share',
    meaning: 'the same at the start of the run',
    read: ({ watch }) => watch.startTopAnswerShare,
    panel: panels.agreement.title,
    title,
    label: 'at the start',
    isReference: true,
  },
  { name: 'watch/alarms', meaning: 'alarms that were raised', read: ({ watch }) => watch.alarms.length },
]
