/** `evolmm plan`: the memory of a run, from the configuration of its model alone. */
import { stat } from 'node:fs/promises'
import { scanImages } from '@evolmm/dataset'
import {
  largestImage,
  memoryLimits,
  planGraphs,
  planRun,
  type Limits,
  type PlannedImage,
  type RunPlan,
} from '@evolmm/plan'
import { optionsOf, schema, type SourcesRead, type ValuesOf } from '@evolmm/settings'
import { evolmmRows, evolmmSettings } from '@evolmm/trainer'
import { chooseDevice, parseDevice } from '@evolmm/vlm'
import type { Context } from '../context'
import { formatGraphs } from '../plan/format-graphs'
import { formatPlan } from '../plan/format-plan'
import { imageSizeIn, planRows } from '../plan/plan-rows'
import { shownReport } from '../plan/shown-report'
import { showProgress } from '../progress'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { hubOptions } from '../with-model'
import { addPlanMstar } from './plan-mstar'

const examples = `
Examples:
  $ evolmm plan --model 7B --device cuda --memory 80GB \\
      --use_lora_solver --use_lora_proposer
  $ evolmm plan --config runs/charts/run.json --gradient_checkpointing
  $ evolmm plan mstar --model 7B --use_lora --questions 180000

Takes the settings of train from the same sources. Of the model config.json is
enough; a published size (3B, 7B, 32B, 72B) needs no file at all. The device may
be one of another machine. Images are as large as --image_size says, or those of
--data_dir, or what --max_pixels allows, or 896x896.`

const { solver_model: model, memory_limit: memory } = evolmmSettings.rows

/** Those of a run, of which two have a shorter name besides. */
const planSettings = schema({
  ...evolmmSettings,
  groups: {
    ...evolmmRows,
    Models: {
      ...evolmmRows.Models,
      solver_model: {
        ...model,
        help: `${model.help}, or a published size such as 7B; --model is the same`,
        alias: { name: 'model' },
        elsewhere: (model.elsewhere ?? []).filter((name) => name !== 'model'),
      },
      memory_limit: {
        ...memory,
        help: 'memory of the machine, such as 80GB; --memory is the same',
        alias: { name: 'memory' },
      },
    },
  },
})

const planFlags = schema({ name: 'evolmm plan', groups: { Plan: planRows } })

type PlanRead = SourcesRead<typeof planSettings.rows>

export function addPlan(host: CommandHost): void {
  const command = addSettingsCommand(host, 'plan', {
    usage: '--model <dir_or_id> [options]',
    summary: 'say how much memory a run of train would take',
    description:
      'Says how much memory a run of train would take, by kind and by phase, and the largest batch.',
    examples,
    schema: planSettings,
    json: 'the same as JSON',
    own: planFlags,
    run: plan,
  })
  addPlanMstar({ ...host, program: command })
}

async function plan(
  context: Context,
  read: PlanRead,
  { image_size: largest, programs, json }: ValuesOf<typeof planFlags> & { json: boolean },
): Promise<undefined> {
  const { settings } = read
  const progress = showProgress(context)
  const { kind } = parseDevice(settings.device)
  const device = kind === 'auto' ? (await chooseDevice()).device : kind
  const plan = await planRun(settings, { device, hub: hubOptions(progress) })
  progress.clear()
  const report = shownReport(plan, {
    image: await imageOf(plan, read, largest),
    limits: await limitsOf(plan),
  })
  const graphs = programs ? planGraphs(plan) : undefined
  const shown = graphs === undefined ? '' : `${formatGraphs(graphs, { tensors: true })}\n`
  context.stdout.write(
    json
      ? `${JSON.stringify({ ...report, ...(graphs && { programs: graphs }) })}\n`
      : `${shown}${formatPlan(report)}`,
  )
  return undefined
}

/** The card may be another machine's, and with it the rest. */
async function limitsOf(plan: RunPlan): Promise<Limits> {
  const { memory_limit: limit } = plan.settings
  return plan.device !== 'cpu' && limit !== null ? { device: limit } : memoryLimits(plan)
}

async function imageOf(plan: RunPlan, { sources }: PlanRead, largest: string | null): Promise<PlannedImage> {
  if (largest !== null) return imageSizeIn(largest)
  const { settings } = plan
  const there = await stat(settings.data_dir).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
  if (sources.data_dir !== 'default' && there) {
    const given = {
      root: settings.data_dir,
      ...optionsOf({ includeSubfolders: settings.include_subfolders }),
    }
    return largestImage(plan, await scanImages({ ...given, onWarning: () => undefined }))
  }
  const side = settings.max_pixels === null ? 896 : Math.ceil(Math.sqrt(settings.max_pixels))
  return { width: side, height: side }
}
