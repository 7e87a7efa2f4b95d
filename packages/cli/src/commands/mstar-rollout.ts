/** `evolmm mstar rollout`: answers to a file of questions, kept in the folder of a run. */
import { counted } from '@evolmm/internal'
import { collectRollouts, rolloutSettings, type AnswerCounts, type RolloutSettings } from '@evolmm/mstar'
import type { Context } from '../context'
import { interruptible } from '../mstar/interruptible'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { openModel } from '../with-model'

const examples = `
Examples:
  $ evolmm mstar rollout --model ./start --data questions.jsonl --output_dir ./run
  $ evolmm mstar rollout --model ./start --data held-out.jsonl --output_dir ./run \\
      --rollouts validation --reward_model ./run/prm/model

Answers lie in rollouts/NAME.jsonl of the folder of the run, a line for each
question; equal answers are one, with their number. A reward model scores the
answers that are there, into rollouts/NAME_scored.jsonl. The same command
continues one that was stopped or killed, and asks nothing twice.`

export function addMstarRollout(host: CommandHost): void {
  addSettingsCommand(host, 'rollout', {
    usage: '--model <dir> --data <file> --output_dir <dir> [options]',
    summary: 'answer questions, and check the answers',
    description:
      'Answers the questions of a file some times each, checks the answers, and keeps them on disk.',
    examples,
    schema: rolloutSettings,
    json: 'numbers of questions and answers, as JSON',
    run: (context, { settings }, { json }) => rollout(context, settings, json),
  })
}

async function rollout(context: Context, settings: RolloutSettings, json: boolean): Promise<number> {
  await context.library.chooseDevice({ device: settings.device, dtype: settings.dtype })
  return interruptible(
    context,
    ({ progress, signal }) =>
      collectRollouts({
        ...settings,
        openModel: () => openModel(context, settings, progress),
        signal,
        onProgress: ({ phase, ...counts }) => {
          if (phase === 'generate') progress.onPhase({ name: 'generating', unit: 'answers', ...counts })
          else progress.onPhase({ name: 'scoring', unit: 'questions', ...counts })
        },
      }),
    ({ file, counts }) => {
      if (counts === null) return
      if (!json) context.stderr.write(`${inWords(counts)}\n`)
      context.stdout.write(json ? `${JSON.stringify({ file, ...counts })}\n` : `${file}\n`)
    },
  )
}

function inWords({ questions, answers, distinct, right, unreadable }: AnswerCounts): string {
  const share = (count: number) => `${((100 * count) / Math.max(1, answers)).toFixed(1)} %`
  return `${counted(questions, 'question')}, ${counted(answers, 'answer')} (${distinct} distinct): ${share(right)} right, ${share(unreadable)} not to be read`
}
