/** `evolmm train`: a model improves itself from images. The flags are those of the released code, and more. */
import { basename } from 'node:path'
import { counted, shellWord } from '@evolmm/internal'
import { scanImages } from '@evolmm/dataset'
import { checkFit, largestImage, memoryLimits, planGraphs, planRun } from '@evolmm/plan'
import { chosenTrackers } from '@evolmm/runs'
import {
  formatSettings,
  isDefault,
  optionsOf,
  schema,
  settingsData,
  toggle,
  type SourcesRead,
} from '@evolmm/settings'
import { evolmmSettings, heldWeights } from '@evolmm/trainer'
import { chooseDevice } from '@evolmm/vlm'
import type { Context } from '../context'
import { keepYoungHeapSmall } from '../keep-young-heap-small'
import { formatGraphs } from '../plan/format-graphs'
import { formatPlan } from '../plan/format-plan'
import { shownReport, writeFlag } from '../plan/shown-report'
import { showProgress } from '../progress'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { checkFiles, checkModels } from '../train/check-files'
import { chooseProbe } from '../train/choose-probe'
import { nextCommand } from '../train/next-command'
import { hubOptions } from '../with-model'

const examples = `
Examples:
  $ evolmm train --data_dir charts --run_name charts \\
      --use_lora_solver --use_lora_proposer
  $ evolmm train --data_dir charts --run_name charts-7b \\
      --use_lora_solver --use_lora_proposer --total_steps 6000 \\
      --solver_model Qwen/Qwen2.5-VL-7B-Instruct --wandb_mode online
  $ evolmm train --config runs/charts/run.json --run_name charts-discrete \\
      --reward discrete

The default model, Qwen2.5-VL-3B, is licensed for research and other
non-commercial use; Qwen2.5-VL-7B is under Apache-2.0.

The same command with the same --run_name goes on from the newest checkpoint.
Ctrl-C or SIGTERM saves and stops, a second one stops at once. Standard output
has one line at the end, the folder of the run.

A flag counts before the environment, that before --config, that before the
default. The variables are those of the released code, such as LR, DATA_DIR,
N_SAMPLES, PROP_FREQ and MAX_CKPTS; of other flags they begin with EVOLMM_, such
as EVOLMM_REWARD. A flag may be written with _ or -, a prompt as @FILE, and
"none" is for what has no value by default.`

type TrainRead = SourcesRead<typeof evolmmSettings.rows>
type EvolmmName = keyof typeof evolmmSettings.rows

const trainFlags = schema({
  name: 'evolmm train',
  groups: {
    Configuration: {
      dry_run: toggle(
        false,
        'check settings, files, device and memory, build all programs, show it, and stop',
        { identity: false },
      ),
      verbose: toggle(false, 'show every setting before the run begins', { identity: false }),
    },
  },
})

/** Settings that are shown before a run even where nobody gave them. */
const essential: readonly EvolmmName[] = [
  ...(['data_dir', 'solver_model', 'device', 'run_name', 'output_dir'] as const),
  ...(['total_steps', 'num_solver_samples', 'save_every', 'lr'] as const),
]

export function addTrain(host: CommandHost): void {
  addSettingsCommand(host, 'train', {
    usage: '--data_dir <dir> [options]',
    summary: 'improve a model from images alone',
    description:
      'Improves a vision-language model from images alone: it asks questions about them, answers each one several ' +
      'times, and learns from how much the answers agree.',
    examples,
    schema: evolmmSettings,
    json: 'the outcome as JSON, or the configuration with --dry_run',
    own: trainFlags,
    run: async (context, read, { dry_run: isDry, verbose, json }) => {
      await checkFiles(read.settings)
      return isDry ? show(context, read, json) : train(context, read, { verbose, json })
    },
  })
}

async function show(context: Context, read: TrainRead, json: boolean): Promise<number> {
  const { settings, sources, notes } = read
  await checkModels(settings)
  await chooseProbe(settings)
  chosenTrackers(settings, () => undefined)
  const warnings: string[] = []
  const images = await scanImages({
    root: settings.data_dir,
    ...optionsOf({ includeSubfolders: settings.include_subfolders }),
    onWarning: (message) => warnings.push(message),
  })
  const { onWarning, onNote, ...progress } = showProgress(context)
  const { dtype } = heldWeights(settings)
  const { device } = await chooseDevice({ device: settings.device, dtype })
  const hub = {
    ...hubOptions({ ...progress, onWarning, onNote }),
    ...(settings.revision !== null && { revision: settings.revision }),
  }
  const plan = await planRun(settings, { device, hub })
  progress.clear()
  const fit = { image: await largestImage(plan, images), limits: await memoryLimits(plan) }
  const memory = shownReport(plan, fit)
  const programs = planGraphs(plan)
  const found = {
    config: settingsData(evolmmSettings, settings),
    sources,
    notes,
    images: images.length,
    programs,
    memory,
  }
  const text = [
    formatSettings(evolmmSettings, read),
    `${counted(images.length, 'image')} found`,
    '',
    formatGraphs(programs),
    formatPlan(memory),
  ].join('\n')
  context.stdout.write(json ? `${JSON.stringify(found)}\n` : text)
  if (!json) for (const note of notes) onNote(note)
  if (!json) for (const message of warnings) onWarning(message)
  // The exit code says it too.
  checkFit(plan, { ...fit, write: writeFlag })
  return 0
}

/** The exit code: 130 after a signal, once the run has saved itself. */
async function train(
  context: Context,
  read: TrainRead,
  { verbose, json }: { verbose: boolean; json: boolean },
): Promise<number> {
  const progress = showProgress(context)
  context.stderr.write(`${settingsBefore(read, verbose)}\n`)
  for (const note of read.notes) progress.onNote(note)
  const interrupt = new AbortController()
  const { signal } = interrupt
  const undo = context.onInterrupt(() => {
    progress.onNote('stopping after saving; once more stops at once')
    interrupt.abort()
  }, ['SIGINT', 'SIGTERM'])
  try {
    let [iterations, image] = [0, '']
    keepYoungHeapSmall()
    const outcome = await context.library.train(read.settings, {
      signal,
      onRecord: ({ images }) => {
        iterations++
        image = images.at(-1)?.path ?? image
      },
      status: context.stderr,
      version: context.version,
      hub: hubOptions(progress),
      onWiden: progress.onWiden,
      onQuantize: progress.onQuantize,
      onWarning: progress.onWarning,
    })
    progress.clear()
    const { folder, status, step, report } = outcome
    // A name that was made up now will be another one next time.
    const same = read.settings.run_name === null ? ` with --run_name ${shellWord(basename(folder))}` : ''
    if (status === 'stopped')
      progress.onNote(`stopped after iteration ${step}; the same command${same} goes on from there`)
    else if (iterations === 0)
      progress.onNote(`finished before, after iteration ${step}; a larger --total_steps goes on from there`)
    if (report !== undefined) context.stderr.write(`report: ${report}\n`)
    if (image !== '')
      context.stderr.write(`to ask it: ${nextCommand({ settings: read.settings, folder, step, image })}\n`)
    context.stdout.write(json ? `${JSON.stringify({ folder, step, status, report })}\n` : `${folder}\n`)
    return signal.aborted && status === 'stopped' ? 130 : 0
  } catch (error) {
    // What went wrong while saving is worth more than that somebody wanted to stop.
    if (!signal.aborted || (error as Error).name !== 'AbortError') throw error
    return 130
  } finally {
    progress.clear()
    undo()
  }
}

/** What was given and what matters most; the rest is what it is for everybody. */
function settingsBefore(read: TrainRead, verbose: boolean): string {
  if (verbose) return formatSettings(evolmmSettings, read)
  const all = evolmmSettings.groups.flatMap(({ names }) => names)
  const only = all.filter(
    (name) => essential.includes(name) || !isDefault(evolmmSettings, read.settings, name),
  )
  const rest = counted(all.length - only.length, 'other setting')
  return `${formatSettings(evolmmSettings, read, { only })}\n${rest} as by default; --verbose shows all\n`
}
