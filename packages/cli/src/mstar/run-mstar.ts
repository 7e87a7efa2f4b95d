/** A run of `@evolmm/mstar` as the command makes it. */
import { mstar, train, type MstarSettings } from '@evolmm/mstar'
import { writeReport } from '@evolmm/report'
import type { Context } from '../context'
import { showProgress } from '../progress'
import { openModel } from '../with-model'
import { followPhases } from './follow-phases'

/** The exit code: 130 after Ctrl-C, which ends a run between two steps. */
export async function runMstar(context: Context, settings: MstarSettings): Promise<number> {
  const { stdout, stderr } = context
  const { output_dir: folder } = settings
  await context.library.chooseDevice({ device: settings.device, dtype: settings.dtype })
  const progress = showProgress(context)
  const interrupt = new AbortController()
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    const { status } = await train({
      ...settings,
      openModel: () => openModel(context, settings, progress),
      signal: interrupt.signal,
      version: context.version,
      ...followPhases(progress, settings.total_steps),
      onWarning: progress.onWarning,
    })
    progress.clear()
    if (status === 'stopped') {
      stderr.write('stopped; the same command continues from here\n')
      return 130
    }
    if (settings.report) await writeReport({ folder, kind: mstar })
    stdout.write(`${folder}\n`)
    return 0
  } finally {
    progress.clear()
    undo()
  }
}
