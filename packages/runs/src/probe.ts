/** A small evaluation every so many iterations. */
import type { RunProbe } from './method'
import type { StepRecord } from './records/record'
import type { WarningListener } from '@evolmm/internal/node'

/** Puts numbers into a record whose turn it is; a measurement that fails is not worth an iteration. */
export async function measure<R extends StepRecord>(
  record: R,
  probe: RunProbe<R> | undefined,
  { totalSteps, onWarning }: { totalSteps: number; onWarning: WarningListener },
): Promise<void> {
  const { step } = record
  if (probe === undefined) return
  if (step !== totalSteps && (probe.every === 0 || step % probe.every !== 0)) return
  const start = performance.now()
  record.probe = await probe.run().catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error)
    onWarning(`probe: must give numbers, got ${got}; iteration ${step} goes without`, 'PROBE_FAILED')
    return null
  })
  probe.onTime?.(record, (performance.now() - start) / 1000)
}
