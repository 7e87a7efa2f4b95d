/** `evolmm train`: a model improves itself from images. The flags are those of the released code, and more. */
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { scanImages } from '@evolmm/dataset'
import { EvolmmError } from '@evolmm/internal'
import { formatSettings, readConfigFile, readSources, settingsData } from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'
import { chooseDevice } from '@evolmm/vlm'
import type { Context } from '../context'
import { addOutputFlags, text } from '../options'
import { limitsOf } from '../plan/check-run'
import { checkFit } from '../plan/fit'
import { formatGraphs } from '../plan/format-graphs'
import { formatPlan } from '../plan/format-plan'
import { largestImage } from '../plan/largest-image'
import { planGraphs } from '../plan/plan-graphs'
import { planRun } from '../plan/plan-run'
import { reportRun } from '../plan/report-run'
import { showProgress } from '../progress'
import { checkFiles, checkModels } from '../train/check-files'
import { chooseProbe } from '../train/choose-probe'
import { chooseTrackers } from '../train/choose-trackers'
import { heldType } from '../train/run-options'
import { addTrainFlags, givenFlags, type ReadSettings } from '../train/train-flags'
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

The same command with the same --run_name goes on from the newest checkpoint.
Ctrl-C or SIGTERM saves and stops, a second one stops at once. Standard output
has one line at the end, the folder of the run.

A flag counts before the environment, that before --config, that before the
default. The variables are those of the released code, such as LR, DATA_DIR,
N_SAMPLES, PROP_FREQ and MAX_CKPTS; of other flags they begin with EVOLMM_, such
as EVOLMM_REWARD. A flag may be written with _ or -, a prompt as @FILE, and
"none" is for what has no value by default.`

interface OwnFlags {
  config?: string
  dry_run?: boolean
  json?: boolean
}

export function addTrain(program: Command, context: Context, exit: (code: number) => void): void {
  const command = program
    .command('train')
    .usage('--data_dir <dir> [options]')
    .summary('improve a model from images alone')
    .description(
      'Improves a vision-language model from images alone: it asks questions about them, answers each one several ' +
        'times, and learns from how much the answers agree.',
    )
  command.optionsGroup('Configuration:')
  command
    .option('--config <file>', 'settings by name as JSON, or the run.json of a run', text('--config'))
    .option('--dry_run', 'check settings, files, device and memory, build all programs, show it, and stop')
    .addOption(new Option('--no-dry_run', 'train').hideHelp())
  addTrainFlags(command)
  addOutputFlags(command, 'the outcome as JSON, or the configuration with --dry_run')
    .addHelpText('after', examples)
    .action(async ({ config: path, dry_run: dry, json = false }: OwnFlags) => {
      const resolved = await readSources(evolmmSettings, {
        flags: givenFlags(command),
        environment: context.environment,
        ...(path !== undefined && { file: await readConfigFile(path) }),
      })
      await checkFiles(resolved.settings)
      exit(await (dry === true ? show : train)(context, resolved, json).catch(asFlag))
    })
}

/** An error about an option of the library whose name is a common word, by the name of its flag. */
function asFlag(error: unknown): never {
  if (!(error instanceof EvolmmError) || !/^(root|manifest|resume|targets)\b/.test(error.message)) throw error
  const { code, message, details } = error
  const named = message
    .replace(/^root/, 'data_dir')
    .replace(/^targets/, 'lora_targets')
    .replace('pass vision: true', 'pass --no-freeze_vision')
    .replace('begin anew without the state', 'begin anew under another --run_name')
  throw new EvolmmError(code, `--${named}`, { details, cause: error })
}

async function show(context: Context, resolved: ReadSettings, json: boolean): Promise<number> {
  const { settings, sources, notes } = resolved
  await checkModels(settings)
  await chooseProbe(settings)
  chooseTrackers(settings, () => undefined)
  const warnings: string[] = []
  const images = await scanImages({
    root: settings.data_dir,
    includeSubfolders: settings.include_subfolders ?? [],
    onWarning: ({ message }) => warnings.push(message),
  })
  const { onWarning, onNote, ...progress } = showProgress(context)
  const { device } = await chooseDevice({ device: settings.device, dtype: heldType(settings) })
  const hub = {
    ...hubOptions({ ...progress, onWarning, onNote }),
    ...(settings.revision !== null && { revision: settings.revision }),
  }
  const plan = await planRun(settings, { device, hub })
  progress.clear()
  const largest = await largestImage(images, plan.models.solver)
  const limits = await limitsOf(settings, device)
  const memory = reportRun(plan, largest, limits)
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
    formatSettings(evolmmSettings, resolved),
    `${images.length} ${images.length === 1 ? 'image' : 'images'} found`,
    '',
    formatGraphs(programs),
    formatPlan(memory),
  ].join('\n')
  context.stdout.write(json ? `${JSON.stringify(found)}\n` : text)
  if (!json) for (const note of notes) onNote(note)
  if (!json) for (const message of warnings) onWarning({ message })
  // The exit code says it too.
  checkFit(plan, largest, limits)
  return 0
}

/** The exit code: 130 after a signal, once the run has saved itself. */
async function train(context: Context, resolved: ReadSettings, json: boolean): Promise<number> {
  const progress = showProgress(context)
  context.stderr.write(`${formatSettings(evolmmSettings, resolved)}\n`)
  for (const note of resolved.notes) progress.onNote(note)
  const interrupt = new AbortController()
  const { signal } = interrupt
  const undo = context.onInterrupt(() => {
    progress.onNote('stopping after saving; once more stops at once')
    interrupt.abort()
  }, ['SIGINT', 'SIGTERM'])
  try {
    let iterations = 0
    const outcome = await context.library.train(resolved.settings, {
      signal,
      onRecord: () => {
        iterations++
      },
      status: context.stderr,
      version: context.version,
      hub: hubOptions(progress),
      onWiden: progress.onWiden,
      onQuantize: progress.onQuantize,
      onWarning: (message) => {
        progress.onWarning({ message })
      },
    })
    progress.clear()
    const { folder, status, step } = outcome
    // A name that was made up now will be another one next time.
    const same = resolved.settings.run_name === null ? ` with --run_name ${basename(folder)}` : ''
    if (status === 'stopped')
      progress.onNote(`stopped after iteration ${step}; the same command${same} goes on from there`)
    else if (iterations === 0)
      progress.onNote(`finished before, after iteration ${step}; a larger --total_steps goes on from there`)
    context.stdout.write(json ? `${JSON.stringify({ folder, step, status })}\n` : `${folder}\n`)
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
