/** Two finished runs side by side, over the rows that both have a value for. */
import { checkText } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { pairedDifference, type PairedDifference } from './paired-difference'
import { readSamples, type SampledRow } from './read-samples'
import { readSetup, unlike } from './read-setup'

export interface ComparedMetric extends PairedDifference {
  task: string
  /** Means of the values of rows; what a task reports may be weighted otherwise. */
  metric: string
  /** Rows that only one side has a value for. */
  unpaired: number
  /** What is not alike besides the model: mode, judge, data, share of fallback or unscored rows. Mostly empty. */
  unlike: string[]
}

/** Each is the path of a `…_results.json` with its samples files beside it: the base, then what it became. */
export async function compareRuns(first: string, second: string): Promise<ComparedMetric[]> {
  checkText('first', first)
  checkText('second', second)
  const [a, b] = [await readSamples(first), await readSamples(second)]
  const [setupA, setupB] = [await readSetup(first), await readSetup(second)]
  const compared = [...a].flatMap(([task, rows]) => {
    const others = b.get(task)
    const differing = unlike(setupA.get(task), setupB.get(task))
    return others ? compareTask(task, rows, others).map((one) => ({ ...one, unlike: differing })) : []
  })
  if (compared.length > 0) return compared
  throw new EvolmmError(
    'NOTHING_TO_COMPARE',
    `${second}: must have rows of the tasks ${[...a.keys()].join(', ')} in common with the first, got ${[...b.keys()].join(', ')}; run the same tasks`,
    { details: { first, second } },
  )
}

type RowsByNumber = ReadonlyMap<number, SampledRow>

function compareTask(
  task: string,
  first: RowsByNumber,
  second: RowsByNumber,
): Omit<ComparedMetric, 'unlike'>[] {
  for (const [id, { hash }] of first) {
    const other = second.get(id)?.hash
    if (hash !== undefined && other !== undefined && hash !== other)
      throw new EvolmmError(
        'DIFFERENT_DATA',
        `${task}: must be the same rows in both runs, got another row ${id}; run both on one revision of the data`,
        { details: { task, row: id } },
      )
  }
  const metrics = new Set([...first.values(), ...second.values()].flatMap(({ values }) => [...values.keys()]))
  return [...metrics].flatMap((metric) => {
    const value = (row: SampledRow | undefined) => row?.values.get(metric)
    const pairs: [number, number][] = []
    let unpaired = 0
    for (const id of new Set([...first.keys(), ...second.keys()])) {
      const [x, y] = [value(first.get(id)), value(second.get(id))]
      if (typeof x === 'number' && typeof y === 'number') pairs.push([x, y])
      else if (typeof x === 'number' || typeof y === 'number') unpaired++
    }
    if (pairs.length === 0) return []
    const difference = pairedDifference(
      pairs.map(([x]) => x),
      pairs.map(([, y]) => y),
    )
    return [{ task, metric, unpaired, ...difference }]
  })
}
