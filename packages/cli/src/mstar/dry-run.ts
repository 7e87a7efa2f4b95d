/** What `evolmm mstar --dry_run` does: everything is checked and planned, and nothing is done. */
import { join } from 'node:path'
import { mstarSettings, surveyQuestions, type MstarSettings } from '@evolmm/mstar'
import { checkFit, largestSize, memoryLimits, planGraphs, planMstar } from '@evolmm/plan'
import { chosenTrackers } from '@evolmm/runs'
import { formatSettings, pixelOptions, settingsData, type SourcesRead } from '@evolmm/settings'
import { heldWeights } from '@evolmm/trainer'
import { checkFolder as checkCheckpoint, chooseDevice } from '@evolmm/vlm'
import { checkFile, checkFolder, checkModel, checkOutput, pathKind } from '../check-paths'
import type { Context } from '../context'
import { formatGraphs } from '../plan/format-graphs'
import { formatMstarPlan, mstarReport } from '../plan/mstar-report'
import { writeFlag } from '../plan/shown-report'
import { showProgress } from '../progress'
import { refuseRun } from '../refuse-run'
import { hubOptions } from '../with-model'

/** Throws what is wrong, `MEMORY_EXCEEDED` for a run that cannot fit among it, once the plan is written. */
export async function dryRun(
  context: Context,
  read: SourcesRead<typeof mstarSettings.rows>,
  { right, asJson }: { right: number; asJson: boolean },
): Promise<number> {
  const { settings, sources, notes } = read
  await checkPaths(settings)
  chosenTrackers(settings, () => undefined)
  const progress = showProgress(context)
  const { dtype } = heldWeights(settings)
  const { device } = await chooseDevice({ device: settings.device, dtype })
  const survey = await surveyQuestions(settings)
  const plan = await planMstar(settings, {
    ...{ device, survey, right },
    hub: {
      ...hubOptions(progress),
      ...(settings.revision !== null && { revision: settings.revision }),
    },
  })
  progress.clear()
  const fit = {
    image: largestSize(plan, survey.sizes),
    limits: await memoryLimits({ settings: { memory_limit: null, device: settings.device }, device }),
  }
  const report = mstarReport(plan, fit)
  const programs = planGraphs(plan)
  const config = settingsData(mstarSettings, settings)
  context.stdout.write(
    asJson
      ? `${JSON.stringify({ config, sources, notes, programs, plan: report })}\n`
      : [formatSettings(mstarSettings, read), formatGraphs(programs), formatMstarPlan(plan, report)].join(
          '\n',
        ),
  )
  if (!asJson) for (const note of notes) progress.onNote(note)
  // The exit code says it too.
  checkFit(plan, { ...fit, write: writeFlag })
  return 0
}

async function checkPaths(settings: MstarSettings): Promise<void> {
  const { model, reward_model: reward, resume } = settings
  for (const name of ['data', 'validation', 'unlabelled'] as const)
    if (settings[name] !== null) await checkFile(name, settings[name])
  await checkModel('model', model)
  if (reward !== null) {
    await refuseRun('reward_model', reward, 'an adapter')
    await checkModel('reward_model', reward)
    if ((await pathKind(reward)) === 'a folder')
      for (const file of ['adapter_config.json', 'value_head.safetensors'])
        await checkFile('reward_model', join(reward, file))
  }
  if (!['auto', 'never'].includes(resume)) {
    await refuseRun('resume', resume, 'a checkpoint')
    await checkFolder('resume', resume)
  }
  await checkOutput('output_dir', settings.output_dir)
  // Small files and the headers of weights.
  if ((await pathKind(model)) === 'a folder') await checkCheckpoint(model, pixelOptions(settings))
}
