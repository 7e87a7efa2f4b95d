/** `evolmm warmup`: supervised learning on labelled images. */
import { type Command, Option } from 'commander'
import { EvolmmError } from '@evolmm/internal'
import { runWarmup } from '../warmup/run-warmup'
import type { WarmupFlags } from '../warmup/warmup-flags'
import type { Context } from '../context'
import {
  addModelFlags,
  addOutputFlags,
  addPixelFlags,
  integer,
  number,
  oneOf,
  requireFlags,
  text,
} from '../options'

const examples = `
Examples:
  $ evolmm warmup --model ./start --data lessons.jsonl --output_dir ./warm \\
      --no-freeze_vision --total_steps 3000 --lr 1e-3
  $ evolmm warmup --model ./checkpoint --data lessons.jsonl \\
      --output_dir ./adapter --use_lora --lr 2e-4

A line of the data is {"image", "turns": [{"prompt", "completion"}]} or
{"image", "question", "answer"}, where the completion is
<answer>ANSWER</answer>. All that is asked about one image is learned in one
sequence. Paths of images begin at the folder of the file. The same command
continues a run that was stopped or killed.`

/** What contradicts itself, or would have no effect; a default that does is only worth a word. */
function checkTogether(command: Command, flags: WarmupFlags, { stderr }: Context): void {
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli'
  for (const name of ['lora_r', 'lora_alpha', 'lora_dropout', 'lora_targets'] as const)
    if (flags.use_lora !== true && isGiven(name))
      throw new EvolmmError(
        'INVALID_OPTION',
        `--${name}: must go with --use_lora, got ${flags[name]} without; add that or leave this out`,
      )
  const { warmup_steps: rise, total_steps: total } = flags
  if (rise <= total) return
  const what = `${rise} of ${total}, so that the rate is never reached; lower it`
  if (isGiven('warmup_steps'))
    throw new EvolmmError('INVALID_OPTION', `--warmup_steps: must be at most --total_steps, got ${what}`)
  stderr.write(`note: --warmup_steps is ${what}\n`)
}

export function addWarmup(program: Command, context: Context, exit: (code: number) => void): void {
  const command = program
    .command('warmup')
    .usage('--model <dir> --data <file> --output_dir <dir> [options]')
    .summary('teach a model questions and answers about images')
    .description('Teaches a model labelled questions about images, and writes a checkpoint or an adapter.')
  addPixelFlags(addModelFlags(command))
  command.optionsGroup('What is learned:')
  command
    .option('--data <file>', 'questions with answers, as JSON lines', text('--data'))
    .option('--system <text>', "system message (default: the chat template's)")
    .option('--freeze_vision', 'leave the vision tower as it is', true)
    .option('--no-freeze_vision', 'train the vision tower too')
    .option('--use_lora', 'train an adapter instead of all weights')
    .addOption(new Option('--no-use_lora', 'train all weights').hideHelp())
    .option('--lora_r <n>', 'rank of the adapter', integer('--lora_r', 1), 16)
    .option('--lora_alpha <x>', 'the adapter counts alpha / rank', number('--lora_alpha', { above: 0 }), 32)
    .option(
      '--lora_dropout <p>',
      'share of inputs of the adapter that is dropped',
      number('--lora_dropout', { min: 0, below: 1 }),
      0,
    )
    .option(
      '--lora_targets <names>',
      'modules that are adapted, between commas (default: the seven projections)',
      text('--lora_targets'),
    )
  command.optionsGroup('How:')
  command
    .option('--total_steps <n>', 'optimizer steps', integer('--total_steps', 1), 1000)
    .option('--batch_size <n>', 'images of a step', integer('--batch_size', 1), 8)
    .option('--lr <x>', 'learning rate at its highest', number('--lr', { min: 0 }), 1e-4)
    .option('--min_lr <x>', 'learning rate at the end', number('--min_lr', { min: 0 }), 0)
    .option('--warmup_steps <n>', 'steps over which it rises', integer('--warmup_steps', 0), 100)
    .option(
      '--lr_scheduler <name>',
      'its way to the end: constant, linear, cosine',
      oneOf('--lr_scheduler', ['constant', 'linear', 'cosine']),
      'cosine',
    )
    .option(
      '--weight_decay <x>',
      'of AdamW, on all that is trained',
      number('--weight_decay', { min: 0 }),
      0.01,
    )
    .option('--beta1 <x>', 'of AdamW', number('--beta1', { min: 0, below: 1 }), 0.9)
    .option('--beta2 <x>', 'of AdamW', number('--beta2', { min: 0, below: 1 }), 0.999)
    .option('--grad_clip <x>', 'largest norm of a gradient, 0 for any', number('--grad_clip', { min: 0 }), 1)
    .option('--seed <n>', 'of the order of images, and of a new adapter', integer('--seed', 0), 42)
  addOutputFlags(command)
    .option('--output_dir <dir>', 'where the checkpoint or adapter is written', text('--output_dir'))
    .option(
      '--save_every <n>',
      'steps between states from which a run continues, 0 for none',
      integer('--save_every', 0),
      200,
    )
    .addHelpText('after', examples)
    .action(async (flags: WarmupFlags) => {
      requireFlags(command, 'model', 'data', 'output_dir')
      checkTogether(command, flags, context)
      exit(await runWarmup(context, flags))
    })
}
