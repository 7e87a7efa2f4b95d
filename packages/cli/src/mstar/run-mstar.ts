/** A run of `@evolmm/mstar` as the command makes it. */
import { mstar, train, type MstarSettings } from '@evolmm/mstar'
import { writeReport } from '@evolmm/report'
import type { Context } from '../context'
import { openModel } from '../with-model'
import { followPhases } from './follow-phases'
import { interruptible } from './interruptible'

/** The exit code: 130 after Ctrl-C, which ends a run between two steps. */
export async function runMstar(
  context: Context,
  settings: MstarSettings,
  { asJson }: { asJson: boolean },
): Promise<number> {
  const { output_dir: folder } = settings
  await context.library.chooseDevice({ device: settings.device, dtype: settings.dtype })
  return interruptible(
    context,
    ({ progress, signal }) =>
      train({
        ...settings,
        openModel: () => openModel(context, settings, progress),
        signal,
        version: context.version,
        ...followPhases(progress, settings.total_steps),
        onWarning: progress.onWarning,
      }),
    async ({ step, status }) => {
      if (settings.report) await writeReport({ folder, kind: mstar })
      context.stdout.write(asJson ? `${JSON.stringify({ folder, step, status })}\n` : `${folder}\n`)
    },
  )
}
