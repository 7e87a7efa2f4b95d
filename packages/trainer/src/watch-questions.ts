/**
 * Says once that a run learns nothing, since not one question of its proposer can be asked: as soon as `patience` of them
 * in a row were rejected, or at the end of a run that asked none.
 */
import type { WarningListener } from '@evolmm/internal/node'
import type { ImageRecord, IterationRecord } from './record/record'

/** Questions in a row: where every second one is rejected, once in a million. */
const patience = 20

export interface QuestionWatch {
  observe: (record: IterationRecord) => void
  /** Tells of a run that is over. */
  end: () => void
}

export function watchQuestions(onWarning: WarningListener): QuestionWatch {
  let [rejected, asked, warned] = [0, 0, false]
  let last: ImageRecord | undefined
  const warn = () => {
    if (last === undefined || warned) return
    warned = true
    const { faults, proposerText: text } = last
    const why = last.rejected === 'malformed' && faults.length > 0 ? faults.join(', ') : last.rejected
    const start = text.length > 80 ? `${text.slice(0, 80)}...` : text
    onWarning(
      `questions: the solver must be asked some, got ${rejected} in a row that were rejected, the last (${why}) ` +
        `${JSON.stringify(start)}; give the proposer another prompt, or loosen the guards`,
      'NOTHING_ASKED',
    )
  }
  return {
    observe: ({ images }) => {
      for (const image of images) {
        // Nothing is known of an image that could not be read.
        if (image.rejected === 'unreadable') continue
        if (image.rejected === null) asked++
        else last = image
        rejected = image.rejected === null ? 0 : rejected + 1
        if (rejected >= patience) warn()
      }
    },
    end: () => {
      if (asked === 0) warn()
    },
  }
}
