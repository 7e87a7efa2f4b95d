/** What was said in an iteration, for trackers that show text: its first image, by the names of the released code. */
import type { IterationRecord } from '../record'

export interface RecordTexts {
  'text/question': string
  'text/maj_answer': string
  'text/solver_answers': string
  'text/proposer_out': string
  'text/answer_hist': string
  'data/image_path': string
}

const invalid = '(invalid)'

export function recordTexts({ images }: IterationRecord): RecordTexts | undefined {
  const image = images.at(0)
  if (image === undefined) return undefined
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
