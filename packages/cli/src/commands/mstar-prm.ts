/** `evolmm mstar prm`: a process reward model from questions with answers alone. */
import { counted } from '@evolmm/internal'
import {
  prm,
  prmSettings,
  trainRewardModel,
  type PrmProgress,
  type PrmSettings,
  type RewardReport,
} from '@evolmm/mstar'
import { writeReport } from '@evolmm/report'
import { keepYoungHeapSmall } from '../keep-young-heap-small'
import type { Context } from '../context'
import { interruptible } from '../mstar/interruptible'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { openModel } from '../with-model'
import { followSteps } from '../sft/follow-steps'

const examples = `
Examples:
  $ evolmm mstar prm --model ./start --data questions.jsonl --output_dir ./run
  $ evolmm mstar prm --model ./start --adapter ./completer --output_dir ./run \\
      --data questions.jsonl --num_questions 2000 --total_steps 300 --lr 1e-4
  $ evolmm mstar --model ./start --data questions.jsonl --output_dir ./run \\
      --use_lora --reward_model ./run/prm/model --selection top-k

The completer answers questions, and goes on from the end of each step of some
answers; the share of right ones among what comes of that is what the step is
worth, and what the reward model learns to say. Answers, values of steps, states
and the reward model lie in prm/ of the folder of the run; report.json says how
good it is on answers whose images it has not seen. The same command continues
one that was stopped or killed.`

export function addMstarPrm(host: CommandHost): void {
  addSettingsCommand(host, 'prm', {
    usage: '--model <dir> --data <file> --output_dir <dir> [options]',
    summary: 'make a model of what steps are worth',
    description:
      'Teaches a process reward model what the steps of answers are worth, by how often they lead to a right one.',
    examples,
    schema: prmSettings,
    json: 'how good it is on answers that were held out, as JSON',
    run: (context, { settings, notes }, { json }) => {
      for (const note of notes) context.stderr.write(`note: ${note}\n`)
      return runPrm(context, settings, json)
    },
  })
}

const phases: Readonly<Record<PrmProgress['phase'], { name: string; unit: string }>> = {
  generate: { name: 'generating', unit: 'answers' },
  label: { name: 'labelling steps', unit: 'questions' },
  score: { name: 'scoring what was held out', unit: 'questions' },
}

async function runPrm(context: Context, settings: PrmSettings, json: boolean): Promise<number> {
  keepYoungHeapSmall()
  await context.library.chooseDevice({ device: settings.device, dtype: settings.dtype })
  return interruptible(
    context,
    ({ progress, signal }) =>
      trainRewardModel({
        ...settings,
        openModel: () => openModel(context, settings, progress),
        signal,
        version: context.version,
        onRecord: followSteps(progress, settings.total_steps),
        onProgress: ({ phase, ...counts }) => {
          progress.onPhase({ ...phases[phase], ...counts })
        },
        onWarning: progress.onWarning,
      }),
    async ({ folder, report }) => {
      if (settings.report) await writeReport({ folder: `${settings.output_dir}/prm`, kind: prm })
      if (report !== null && !json) context.stderr.write(inWords(report))
      context.stdout.write(json ? `${JSON.stringify({ folder, ...report })}\n` : `${folder}\n`)
    },
  )
}

function inWords({ answers, steps, ...report }: RewardReport): string {
  const figure = (value: number | null) => (value === null ? 'none' : value.toFixed(3))
  return [
    `held out: ${counted(answers, 'answer')}, ${counted(steps, 'step')}`,
    `AUC of steps by value above 1/2: ${figure(report.stepAuc)}; of answers by being right: ${figure(report.answerAuc)}`,
    `squared error ${figure(report.squaredError)}, of the mean alone ${figure(report.baselineError)}; calibration error ${figure(report.calibration.error)}`,
    '   said of steps   steps   mean said   mean value',
    ...report.calibration.bins.map(
      ({ low, high, count, predicted, actual }) =>
        `   ${low.toFixed(1)} to ${high.toFixed(1)}   ${String(count).padStart(8)}   ${predicted.toFixed(3).padStart(9)}   ${actual.toFixed(3).padStart(10)}`,
    ),
    '',
  ].join('\n')
}
