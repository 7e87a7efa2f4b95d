/** A run of `@evolmm/trainer` as the command makes it: planned first, probed, followed by a line, with a page at its end. */
import { shellWord } from '@evolmm/internal'
import { writeReport } from '@evolmm/report'
import { statusLine } from '@evolmm/runs'
import { evolmm, train, type EvolmmSettings } from '@evolmm/trainer'
import { checkRun } from './check-run'
import type { TrainCommandHooks, TrainCommandOutcome } from '../library'
import { chooseProbe } from './choose-probe'

export async function runTrain(
  settings: EvolmmSettings,
  { status, onWarning, ...hooks }: TrainCommandHooks,
): Promise<TrainCommandOutcome> {
  const { revision } = settings
  // Before weights are fetched or read for nothing.
  await checkRun(settings, {
    hub: { ...hooks.hub, ...(revision !== null && { revision }), signal: hooks.signal },
  })
  const line = status && statusLine({ output: status })
  const warn = (message: string) => {
    line?.clear()
    onWarning?.(message)
  }
  const outcome = await train({
    ...settings,
    ...hooks,
    probe: await chooseProbe(settings),
    trackers: line ? [line] : [],
    onWarning: warn,
  })
  const { folder, step } = outcome
  if (!settings.report || step === 0) return outcome
  // A page can be made again; what was learned is safe.
  const report = await writeReport({ folder, kind: evolmm }).catch((error: unknown) => {
    warn(
      `report: ${error instanceof Error ? error.message : String(error)}; evolmm report ${shellWord(folder)} makes it`,
    )
    return undefined
  })
  return { ...outcome, report }
}
