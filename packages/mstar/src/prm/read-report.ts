/** The report of a reward model in its folder, as it was written. */
import { join } from 'node:path'
import { isObject, parseObject } from '@evolmm/internal'
import { readSmallText, unreadable } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { RewardReport } from './report'

const counts = ['answers', 'steps']
const figures = ['stepAuc', 'answerAuc', 'squaredError', 'baselineError']
const ofBins = ['low', 'high', 'count', 'predicted', 'actual']

/** Throws `UNREADABLE_FILE`, for what is no report too. */
export async function readReport(folder: string): Promise<RewardReport> {
  const file = join(folder, 'report.json')
  const report = parseObject(await readSmallText(file).catch(unreadable(file)))
  if (report !== undefined && isReport(report)) return report
  throw new EvolmmError(
    'UNREADABLE_FILE',
    `${file}: must be the report of a reward model, got something else; delete it and run evolmm mstar prm again`,
    { details: { file } },
  )
}

function isReport(report: object): report is RewardReport {
  const { calibration, ...rest } = report as Partial<Record<string, unknown>>
  return (
    counts.every((name) => typeof rest[name] === 'number') &&
    figures.every((name) => rest[name] === null || typeof rest[name] === 'number') &&
    isObject(calibration) &&
    typeof calibration.error === 'number' &&
    Array.isArray(calibration.bins) &&
    calibration.bins.every((bin) => isObject(bin) && ofBins.every((name) => typeof bin[name] === 'number'))
  )
}
