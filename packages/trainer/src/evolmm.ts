/** EvoLMM as `@evolmm/runs` knows it: its name, its settings, and what its records are to logs, trackers and pages. */
import type { Method } from '@evolmm/runs'
import { formerIdentity } from './former-identity'
import { iterLog } from './iter-log'
import { evolmmMetrics } from './metrics/metric-table'
import { evolmmPage } from './page/page'
import type { IterationRecord } from './record/record'
import type { EvolmmRows } from './settings/rows'
import { evolmmSettings } from './settings/settings'

export const evolmm: Omit<Method<IterationRecord, EvolmmRows>, 'open'> = {
  name: 'evolmm',
  schema: evolmmSettings,
  formerIdentity,
  metrics: evolmmMetrics,
  log: iterLog,
  page: evolmmPage,
  texts,
  picture: ({ images }) => {
    const first = images.at(0)
    return first && { path: first.path, caption: first.question ?? '' }
  },
  notices: ({ images, watch: { alarms } }) => {
    const nothingAsked = images.length > 0 && images.every(({ answers }) => answers.length === 0)
    return [
      ...(alarms.length > 0 ? [`alarm: ${alarms.join(' ')}`] : []),
      ...(nothingAsked ? ['nothing asked'] : []),
    ]
  },
}

const invalid = '(invalid)'

/** What was said about the first image, by the names of the released code. */
function texts({ images }: IterationRecord): Record<string, string> {
  const image = images.at(0)
  if (image === undefined) return {}
  return {
    'text/question': image.question ?? '(none)',
    'text/maj_answer': image.majority ?? invalid,
    'text/solver_answers': image.answers.map(({ answer }) => answer ?? invalid).join('\n'),
    'text/proposer_out': image.proposerText,
    'text/answer_hist': image.histogram
      .map(({ answer, count }) => `${count} x ${answer ?? invalid}`)
      .join('\n'),
    'data/image_path': image.path,
  }
}
