/** `evolmm eval`: benchmarks with lmms-eval's flags, scores and files, and two runs side by side. */
import { type Command, Option } from 'commander'
import { checkInteger, checkNumber, EvolmmError, numberOf } from '@evolmm/internal'
import type { ScoringMode } from '@evolmm/eval'
import { scorerNames } from '@evolmm/rewards'
import type { Context } from '../context'
import { compare } from '../eval/compare'
import type { EvalFlags } from '../eval/eval-flags'
import { parseGenKwargs } from '../eval/gen-kwargs'
import { listTasks } from '../eval/list-tasks'
import { applyModelArgs } from '../eval/model-args'
import { runEvaluation } from '../eval/run-evaluation'
import { addLmmsFlags, ignoredFlags } from '../eval/lmms-flags'
import { runDiagnosis } from '../eval/run-diagnosis'
import {
  addAdapterFlags,
  addModelFlags,
  addOutputFlags,
  addPixelFlags,
  integer,
  oneOf,
  requireFlags,
  text,
} from '../options'

const modes: readonly ScoringMode[] = ['compat', 'fixed', 'rule-based']

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
A file.jsonl with image, question and answer on each line is a task too, scored
by --scorer; as in lmms-eval an instruction follows each question, such as
"Answer the question using a single word or phrase." A diagnosis shows greedy
accuracy, pass@n, the majority's accuracy, whether agreement predicts being
right, and the same without the image. Data sets and models are downloaded once;
a judge reads its key from OPENAI_API_KEY.`

export function addEval(program: Command, context: Context, exit: (code: number) => void): void {
  const command = program
    .command('eval')
    .usage('--model <dir_or_id> --tasks <names> [options]')
    .summary('measure a model, or compare two runs')
    .description(
      "Measures a model on benchmarks with lmms-eval's prompts, scores and files, or compares runs.",
    )
  addModelFlags(command)
  command.option(
    '--model_args <k=v,...>',
    "the model's flags as lmms-eval writes them: pretrained=, device=, …",
  )
  addPixelFlags(command)
  command.option('--system_prompt <text>', 'system message (default: You are a helpful assistant.)')
  addAdapterFlags(command)
  command.optionsGroup('What is asked:')
  command
    .option(
      '--tasks <names>',
      'tasks, groups and .jsonl files between commas; list shows them',
      text('--tasks'),
    )
    .option('--limit <n>', 'rows of each task, below 1 a share of them (default: all)', limit)
    .option('--offset <n>', 'rows of each task that are passed over', integer('--offset', 0), 0)
    .option('--batch_size <n>', 'questions at a time', integer('--batch_size', 1), 1)
    .option(
      '--gen_kwargs <k=v,...>',
      "max_new_tokens, temperature, top_p, until instead of the task's",
      parseGenKwargs,
    )
    .option('--seed <n>', 'of everything that is drawn; of several the first counts', seed, 0)
    .option(
      '--include_path <path>',
      'module, or folder of modules, that exports more tasks',
      text('--include_path'),
    )
    .option(
      '--data_dir <dir>',
      'folder with copies of data sets (default: the hub and its cache)',
      text('--data_dir'),
    )
    .option('--data_revision <name>', 'branch, tag or commit of the data on the hub', text('--data_revision'))
  command.optionsGroup('Scores:')
  command
    .option(
      '--mode <name>',
      `${modes.join(', ')}: as lmms-eval, without its mistakes, without a judge`,
      oneOf('--mode', modes),
      'fixed',
    )
    .option(
      '--judge_url <url>',
      'OpenAI-compatible endpoint that grades what rules cannot (default: nobody)',
      text('--judge_url'),
    )
    .option('--judge_model <name>', 'model to ask there', text('--judge_model'))
    .option(
      '--scorer <name>',
      `of .jsonl files: ${scorerNames.join(', ')}`,
      oneOf('--scorer', scorerNames),
      'exact',
    )
    .option('--predict_only', 'write answers down and score nothing')
    .addOption(new Option('--no-predict_only', 'score them').hideHelp())
    .option('--with_base', 'run the model without its adapter too, and print both side by side')
    .option('--breakdown', 'print scores by properties of the rows too, such as subjects')
    .option(
      '--diagnose <n>',
      'instead of a score: draw n answers to each question, and look at agreement and without the image',
      integer('--diagnose', 0),
    )
    .option('--compare <runs...>', 'two finished runs, results files or their folders, side by side')
  addOutputFlags(command, 'results as JSON')
    .option(
      '--output_path <dir>',
      'where results are written; without it a run cannot be continued',
      text('--output_path'),
    )
    .addOption(
      new Option('--log_samples', 'write each answer too, which is the default').hideHelp().default(true),
    )
    .option('--no-log_samples', 'do not write each answer; such runs cannot be compared')
    .option('--log_samples_suffix <text>', 'behind the names of files of answers', suffix)
    .addHelpText('after', examples)
  addLmmsFlags(command).action(async () => {
    const ignored = applyModelArgs(command)
    const flags = command.opts<EvalFlags>()
    if (flags.compare !== undefined) {
      if (command.getOptionValue('tasks') !== undefined)
        throw new EvolmmError(
          'INVALID_OPTION',
          '--compare: must go without --tasks, since it reads runs that are finished, got both; leave one out',
        )
      await compare(context, flags.compare, flags.json === true)
      return
    }
    requireFlags(command, 'tasks')
    if (flags.tasks === 'list') {
      listTasks(context, flags.json === true)
      return
    }
    requireFlags(command, 'model')
    for (const flag of [...ignored.map((key) => `--model_args ${key}`), ...ignoredFlags(command)])
      context.stderr.write(`warning: ${flag}: means nothing here and is left out\n`)
    exit(await (flags.diagnose === undefined ? runEvaluation : runDiagnosis)(context, flags))
  })
}

/** lmms-eval writes -1 for all. */
function limit(value: string): number {
  const given = numberOf(value)
  if (given === -1) return Infinity
  return typeof given === 'number' && given < 1
    ? checkNumber('--limit', given, { above: 0 })
    : checkInteger('--limit', given, { min: 1 })
}

/** lmms-eval takes those of Python, NumPy, PyTorch and examples, between commas, and None for none; here one draws all. */
function seed(value: string): number {
  const read = integer('--seed', 0)
  const [first = 0] = value.split(',').map((one) => (one === 'None' ? 0 : read(one)))
  return first
}

function suffix(value: string): string {
  if (/^[\w.-]+$/.test(value)) return value
  throw new EvolmmError(
    'INVALID_OPTION',
    `--log_samples_suffix: must be letters, digits, "_", "-" and ".", got ${JSON.stringify(value)}; it becomes part of a file's name`,
  )
}
