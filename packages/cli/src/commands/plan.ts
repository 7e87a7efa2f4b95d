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
import type { SourcesRead } from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'
import { chooseDevice } from '@evolmm/vlm'
import { EvolmmError } from '../errors'
import type { Context } from '../context'
import { formatGraphs } from '../plan/format-graphs'
import { formatPlan } from '../plan/format-plan'
import { shownReport } from '../plan/shown-report'
import { showProgress } from '../progress'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { hubOptions } from '../with-model'

const examples = `
Examples:
  $ evolmm plan --model 7B --device cuda --memory 80GB \\
      --use_lora_solver --use_lora_proposer
  $ evolmm plan --config runs/charts/run.json --gradient_checkpointing

Takes the settings of train from the same sources. Of the model config.json is
enough; a published size (3B, 7B, 32B, 72B) needs no file at all. The device may
be one of another machine. Images are as large as --image_size says, or those of
--data_dir, or what --max_pixels allows, or 896x896.`

type Read = SourcesRead<typeof evolmmSettings.rows>

interface PlanFlags {
  model?: string
  memory?: string
  image_size?: string
  programs?: boolean
  json?: boolean
}

export function addPlan(host: CommandHost): void {
  addSettingsCommand(host, 'plan', {
    usage: '--model <dir_or_id> [options]',
    summary: 'say how much memory a run of train would take',
    description:
      'Says how much memory a run of train would take, by kind and by phase, and the largest batch.',
    examples,
    schema: evolmmSettings,
    json: 'the same as JSON',
    addFlags: (command) =>
      command
        .optionsGroup('Plan:')
        .option('--model <dir_or_id>', 'the same as --solver_model, or a published size: 7B')
        .option('--memory <bytes>', 'the same as --memory_limit: 80GB, 80GiB')
        .option('--image_size <size>', 'of the largest image in pixels: 896x896')
        .option('--programs', 'also build every program, and show what it takes and gives'),
    readFlags: (flags, { model, memory }: PlanFlags) => ({
      ...flags,
      ...(model !== undefined && { solver_model: model }),
      ...(memory !== undefined && { memory_limit: memory }),
    }),
    run: plan,
  })
}

async function plan(
  context: Context,
  read: Read,
  { image_size: size, programs, json }: PlanFlags,
): Promise<undefined> {
  const { settings } = read
  const progress = showProgress(context)
  const device = settings.device === 'auto' ? (await chooseDevice()).device : settings.device
  const plan = await planRun(settings, { device, hub: hubOptions(progress) })
  progress.clear()
  const report = shownReport(plan, {
    image: await imageOf(plan, read, size),
    limits: await limitsOf(plan),
  })
  const graphs = programs === true ? planGraphs(plan) : undefined
  const shown = graphs === undefined ? '' : `${formatGraphs(graphs, { tensors: true })}\n`
  context.stdout.write(
    json === true
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

async function imageOf(plan: RunPlan, { sources }: Read, size: string | undefined): Promise<PlannedImage> {
  if (size !== undefined) return parseSize(size)
  const { settings } = plan
  const there = await stat(settings.data_dir).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
  if (sources.data_dir !== 'default' && there) {
    const given = { root: settings.data_dir, includeSubfolders: settings.include_subfolders ?? [] }
    return largestImage(plan, await scanImages({ ...given, onWarning: () => undefined }))
  }
  const side = settings.max_pixels === null ? 896 : Math.ceil(Math.sqrt(settings.max_pixels))
  return { width: side, height: side }
}

function parseSize(size: string): PlannedImage {
  const match = /^([1-9]\d{0,5})[x×]([1-9]\d{0,5})$/.exec(size.trim())
  if (match !== null) return { width: Number(match[1]), height: Number(match[2]) }
  throw new EvolmmError(
    'INVALID_OPTION',
    `--image_size: must be width and height in pixels such as 896x896, got ${JSON.stringify(size)}; correct it`,
    { details: { option: 'image_size', value: size } },
  )
}
