/** A run of `@evolmm/sft` as the command makes it. */
import { writeReport } from '@evolmm/report'
import { sft, train, type SftSettings } from '@evolmm/sft'
import type { Context } from '../context'
import { keepYoungHeapSmall } from '../keep-young-heap-small'
import { showProgress } from '../progress'
import { openModel } from '../with-model'
import { followSteps } from './follow-steps'

/** The exit code: 130 after Ctrl-C, which ends a run between two steps. */
export async function runSft(context: Context, settings: SftSettings): Promise<number> {
  keepYoungHeapSmall()
  await context.library.chooseDevice({ device: settings.device, dtype: settings.dtype })
  const progress = showProgress(context)
  const interrupt = new AbortController()
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    const { status, wasFinished } = await train({
      ...settings,
      openModel: () => openModel(context, settings, progress),
      signal: interrupt.signal,
      version: context.version,
      onRecord: followSteps(progress, settings.total_steps),
      onWarning: progress.onWarning,
    })
    progress.clear()
    return await tellEnd(context, settings, { wasFinished, isStopped: status === 'stopped' })
  } finally {
    progress.clear()
    undo()
  }
}

async function tellEnd(
  { stdout, stderr }: Context,
  { output_dir: folder, report }: SftSettings,
  { wasFinished, isStopped }: { wasFinished: boolean; isStopped: boolean },
): Promise<number> {
  if (isStopped) {
    stderr.write('stopped; the same command continues from here\n')
    return 130
  }
  if (wasFinished) stderr.write('finished before; choose another --output_dir to learn anew\n')
  else if (report) await writeReport({ folder, kind: sft })
  stdout.write(`${folder}\n`)
  return 0
}
