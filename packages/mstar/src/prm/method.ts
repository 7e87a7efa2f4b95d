/** Learning a reward model as `@evolmm/runs` knows it: its name, its settings, and what its records are. */
import { counted } from '@evolmm/internal'
import { jsonLines, type Method } from '@evolmm/runs'
import { sft, type SftRecord } from '@evolmm/sft'
import { prmSettings } from './settings'

export const prm: Omit<Method<SftRecord, (typeof prmSettings)['rows']>, 'open'> = {
  name: 'prm',
  schema: prmSettings,
  metrics: sft.metrics.map((metric) =>
    metric.name === 'loss'
      ? {
          ...metric,
          meaning: 'squared error of the value of a token before the step',
          chart: { note: 'How far the values of tokens are from those of their steps.', span: [0, 1] },
        }
      : metric,
  ),
  log: jsonLines('prm_log.jsonl', (line) => sft.log?.isWhole(line) ?? true),
  page: {
    sums: ({ images, answers }) => ({ images, answers }),
    introduction: ({ answers, images }) =>
      `A model learned what the steps of ${counted(answers, 'answer')} to questions about ${counted(images, 'picture')} are worth.`,
    figures: (_, { images, answers }) => [
      ['pictures', images],
      ['answers', answers],
    ],
    times: ({ seconds }) => ({ total: seconds, parts: {} }),
  },
}
