/**
 * The command line from its arguments to an exit code: 0, or 2 for bad input and 1 for anything unexpected, both in one
 * line on standard error, or 130 after Ctrl-C.
 */
import { Command, CommanderError } from 'commander'
import { addDoctor } from './commands/doctor'
import { addEval } from './commands/eval'
import { addExport } from './commands/export'
import { addGenerate } from './commands/generate'
import { addInfer } from './commands/infer'
import { addMstar } from './commands/mstar'
import { addPlan } from './commands/plan'
import { addReport } from './commands/report'
import { addScore } from './commands/score'
import { addSetup } from './commands/setup'
import { addSft } from './commands/sft'
import { addSync } from './commands/sync'
import { addTrain } from './commands/train'
import { hasColors, type Context, type Output } from './context'
import { commandNamed, findCommand, normalizeFlags } from './flags'
import { reportError, wantsDebug } from './report-error'
import { addDebugFlag, commandPath } from './settings-command'

const examples = `
Examples:
  $ evolmm doctor
  $ evolmm train --data_dir charts --run_name charts \\
      --use_lora_solver --use_lora_proposer
  $ evolmm infer --model Qwen/Qwen2.5-VL-3B-Instruct \\
      --adapter runs/charts/step_00100 \\
      --image chart.png --question "Which bar is the tallest?"

Models come from a folder or from the Hugging Face hub; HF_HOME, HF_TOKEN,
HF_ENDPOINT and HF_HUB_OFFLINE mean what they mean everywhere.
"evolmm train --help" lists the flags of train.`

/** `argv` without the interpreter and the script. */
export async function run(argv: readonly string[], context: Context): Promise<number> {
  let debug = wantsDebug(context)
  let code = 0
  const program = buildProgram(context, (value) => {
    code = value
  })
  program.hook('preAction', (_, command) => {
    debug = command.optsWithGlobals<{ debug?: boolean }>().debug ?? debug
  })
  try {
    const normalized = normalizeFlags(argv.length === 0 ? ['--help'] : withoutHelp(argv, program), program)
    await program.parseAsync(normalized, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return reportError(error, context, { debug, command: commandOf(argv, program) })
  }
}

export function buildProgram(context: Context, exit: (code: number) => void): Command {
  const { stdout, stderr } = context
  const width = ({ isTTY, columns = 80 }: Output) =>
    isTTY === true ? Math.min(Math.max(columns, 40), 100) : 100
  const program = addDebugFlag(new Command('evolmm'))
    .description('Vision-language models that improve themselves from raw images, in Node.')
    .version(context.version, '-V, --version', 'show the version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // Errors are written in one place, below.
      writeErr: () => undefined,
      getOutHasColors: () => hasColors(context, stdout),
      getErrHasColors: () => hasColors(context, stderr),
      getOutHelpWidth: () => width(stdout),
      getErrHelpWidth: () => width(stderr),
    })
    .configureHelp({
      styleTitle: (title) => `\u001b[1m${title}\u001b[22m`,
      subcommandTerm: (command) => command.name(),
    })
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', examples)
  const host = { program, context, exit }
  addTrain(host)
  addPlan(host)
  addInfer(host)
  addGenerate(host)
  addScore(host)
  addEval(host)
  addSft(host)
  addMstar(host)
  addReport(host)
  addSync(host)
  addExport(host)
  addDoctor(host)
  addSetup(host)
  return program
}

/**
 * `help mstar select` as `mstar select --help`, which commander does for one word; `help foo` as `foo`: it names an unknown command,
 * with the one that may be meant, only outside of help.
 */
function withoutHelp(argv: readonly string[], program: Command): readonly string[] {
  const [help, name = '-', ...more] = argv
  if (help !== 'help' || name.startsWith('-') || name === 'help') return argv
  if (findCommand(program, name) === undefined) return [name]
  return more.length > 0 && !more.some((word) => word.startsWith('-')) ? [name, ...more, '--help'] : argv
}

function commandOf(argv: readonly string[], program: Command): string {
  return commandPath(
    commandNamed(
      program,
      argv.filter((argument) => !argument.startsWith('-')),
    ),
  )
}
