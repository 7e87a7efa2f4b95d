/** `evolmm eval`: benchmarks with lmms-eval's flags, scores and files, and two runs side by side. */
import { evalSettings } from '@evolmm/eval'
import type { SourcesRead } from '@evolmm/settings'
import type { Context } from '../context'
import { compare } from '../eval/compare'
import type { EvalRequest } from '../eval/eval-request'
import { parseGenKwargs } from '../eval/gen-kwargs'
import { listTasks } from '../eval/list-tasks'
import { ignoredFlags, lmmsFlags, type LmmsFlags } from '../eval/lmms-flags'
import { withModelArgs } from '../eval/model-args'
import { runDiagnosis } from '../eval/run-diagnosis'
import { runEvaluation } from '../eval/run-evaluation'
import { addSettingsCommand, type CommandHost } from '../settings-command'

const examples = `
Examples:
  $ evolmm eval --tasks list
  $ evolmm eval --model ./checkpoint --tasks chartqa,ai2d --limit 100 \\
      --batch_size 4 --output_path results/base
  $ evolmm eval --model ./checkpoint --adapter ./solver \\
      --tasks chartqa,ai2d --limit 100 --output_path results/solver
  $ evolmm eval --compare results/base results/solver
  $ evolmm eval --model ./checkpoint --tasks questions.jsonl --diagnose 8

The same command continues a run with --output_path that was stopped or killed.
A .jsonl or .parquet file with image, question and answer is a task too, scored
by --scorer; as in lmms-eval an instruction follows each question, such as
"Answer the question using a single word or phrase." A diagnosis shows greedy
accuracy, pass@n, the majority's accuracy, whether agreement predicts being
right, and the same without the image. Data sets and models are downloaded once;
a judge reads its key from OPENAI_API_KEY.`

type EvalRead = SourcesRead<typeof evalSettings.rows>

export function addEval(host: CommandHost): void {
  addSettingsCommand(host, 'eval', {
    usage: '--model <dir_or_id> --tasks <names> [options]',
    summary: 'measure a model, or compare two runs',
    description:
      "Measures a model on benchmarks with lmms-eval's prompts, scores and files, or compares runs.",
    examples,
    schema: evalSettings,
    json: 'results as JSON',
    own: lmmsFlags,
    readFlags: withModelArgs,
    run: evaluateOrCompare,
  })
}

async function evaluateOrCompare(
  context: Context,
  { settings, sources }: EvalRead,
  { json, ...own }: LmmsFlags & { json: boolean },
): Promise<number | undefined> {
  const { compare: runs, tasks, gen_kwargs: kwargs } = settings
  const generation = kwargs === null ? {} : parseGenKwargs(kwargs)
  if (runs !== null) {
    await compare(context, runs, json)
    return undefined
  }
  if (tasks === 'list') {
    listTasks(context, json)
    return undefined
  }
  for (const flag of ignoredFlags(own, settings.model_args))
    context.stderr.write(`warning: ${flag}: means nothing here and is left out\n`)
  // The schema has seen to it that both are given.
  const request = { ...settings, sources, generation, json } as EvalRequest
  return (settings.diagnose === null ? runEvaluation : runDiagnosis)(context, request)
}
