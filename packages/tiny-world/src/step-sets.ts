/** The questions of a run of M-STaR in the world of charts. No two sets share a chart. */
import { askCharts, otherStepKinds, type AskedChart } from './step-questions'

export interface StepSetsOptions {
  /** Charts to learn from, two questions each. @default 300 */
  train?: number
  /** Further ones whose answers are not to be looked at. @default 300 */
  unlabelled?: number
  /** Charts that are watched. @default 50 */
  validation?: number
  /** Charts for what is reported, and as many again of other sorts. @default 200 */
  test?: number
}

/** `other` is out of domain: charts of two bars with questions that are taught, and charts as ever with others. */
export type StepSets = Record<'train' | 'unlabelled' | 'validation' | 'test' | 'other', AskedChart[]>

export function stepSets(options: StepSetsOptions = {}): StepSets {
  const { train = 300, unlabelled = 300, validation = 50, test = 200 } = options
  return {
    train: askCharts({ split: 'evolve', charts: train }),
    unlabelled: askCharts({ split: 'evolve', first: train, charts: unlabelled }),
    validation: askCharts({ split: 'tune', charts: validation }),
    test: askCharts({ split: 'test', charts: test }),
    other: [
      ...askCharts({ split: 'twoBars', charts: Math.ceil(test / 2) }),
      ...askCharts({ split: 'otherKinds', charts: Math.floor(test / 2), kinds: otherStepKinds }),
    ],
  }
}
