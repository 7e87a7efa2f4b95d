/** The methods whose runs commands read: a further one is a line here. */
import { readRunFile, type RecordKind, type StepRecord } from '@evolmm/runs'
import { mstar, prm } from '@evolmm/mstar'
import { sft } from '@evolmm/sft'
import { evolmm } from '@evolmm/trainer'
import { EvolmmError } from './errors'

const methods = new Map<string, RecordKind<StepRecord>>(
  [evolmm, sft, mstar, prm].map((method) => [method.name, method]),
)

/** What the records of the run in `folder` are; older runs, which do not say, are of EvoLMM. */
export async function kindOfRun(folder: string): Promise<RecordKind<StepRecord>> {
  const { method = evolmm.name } = (await readRunFile(folder)) ?? {}
  const kind = methods.get(method)
  if (kind !== undefined) return kind
  throw new EvolmmError(
    'UNKNOWN_METHOD',
    `${folder}: must be a run of ${[...methods.keys()].join(' or ')}, got one of ${JSON.stringify(method)}; use the version of evolmm that wrote it`,
    { details: { folder, method } },
  )
}
