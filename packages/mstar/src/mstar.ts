/** M-STaR as `@evolmm/runs` knows it: its name, its settings, and what its records are. */
import { counted } from '@evolmm/internal'
import { isLogNumber, jsonLines, type LogLine, type Method, type Metric } from '@evolmm/runs'
import { metrics, panels } from './metrics'
import type { MstarRecord } from './record'
import { mstarSettings } from './settings'

/** The numbers that every line of the log has. */
const numbers = [
  'loss',
  'learningRate',
  'gradientNorm',
  'cycle',
  'temperature',
  'answers',
  'seconds',
] as const

function isWhole(line: Partial<LogLine>): boolean {
  const values = line as Partial<MstarRecord>
  return numbers.every((name) => values[name] != null && isLogNumber(values[name]))
}

export const mstar: Omit<Method<MstarRecord, (typeof mstarSettings)['rows']>, 'open'> = {
  name: 'mstar',
  schema: mstarSettings,
  metrics: metrics satisfies readonly Metric<MstarRecord>[],
  log: jsonLines('mstar_log.jsonl', isWhole),
  page: {
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
      return `A vision-language model wrote ${counted(drawn, 'answer')} to ${counted(questions, 'question')}, and learned ${counted(learned, 'right one')} of its own. ${outcome}`
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
  },
}
