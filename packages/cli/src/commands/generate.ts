/** `evolmm generate`: what a model answers. */
import type { Command } from 'commander'
import type { Completion, SamplingOptions } from '@evolmm/vlm'
import { painter, printable, type Context } from '../context'
import {
  addModelFlags,
  addOutputFlags,
  addPromptFlags,
  integer,
  number,
  requireFlags,
  type PromptFlags,
} from '../options'
import { streamAnswer } from '../stream-answer'
import { withPrompt, type Prepared } from '../with-model'

interface GenerateFlags extends PromptFlags {
  max_new_tokens: number
  temperature: number
  top_p: number
  top_k: number
  samples: number
  seed: number
  json?: boolean
}

const examples = `
Examples:
  $ evolmm generate --model Qwen/Qwen2.5-VL-3B-Instruct --image chart.png --prompt "Which bar is the tallest?"
  $ evolmm generate --model ./checkpoint --image a.png b.png --prompt "What changed?" --samples 5 --seed 7 --json

A flag may be written with _ or -. --image takes several files and may be repeated. Of the sampling
settings that come with a checkpoint only the stop tokens are applied.`

export function addGenerate(program: Command, context: Context, exit: (code: number) => void): void {
  const command = program
    .command('generate')

    .usage('--model <dir_or_id> --prompt <text> [options]')
    .summary('answer a prompt about images')
    .description('Answers a prompt about images, as text while it is generated or as JSON.')
  addPromptFlags(addModelFlags(command))
  command.optionsGroup('Sampling:')
  command
    .option(
      '--max_new_tokens <n>',
      'stop an answer after this many tokens',
      integer('--max_new_tokens', 1),
      128,
    )
    .option('--temperature <t>', '0 always takes the likeliest token', number('--temperature', { min: 0 }), 1)
    .option(
      '--top_p <p>',
      'draw from the fewest tokens that share this probability',
      number('--top_p', { above: 0, max: 1 }),
      1,
    )
    .option(
      '--top_k <n>',
      'draw from this many of the likeliest tokens, 0 from all',
      integer('--top_k', 0),
      0,
    )
    .option('--samples <n>', 'number of answers', integer('--samples', 1), 1)
    .option('--seed <n>', 'the same seed gives the same answers', integer('--seed', 0), 0)
  addOutputFlags(command, 'ids, text, log-probabilities and finish reason, as JSON')
    .addHelpText('after', examples)
    .action(async (flags: GenerateFlags) => {
      requireFlags(command, 'model', 'prompt')
      exit(await withPrompt(context, flags, (prepared) => generate(context, flags, prepared)))
    })
}

async function generate(context: Context, flags: GenerateFlags, prepared: Prepared): Promise<number> {
  const sampling: SamplingOptions = {
    adapter: prepared.adapter,
    temperature: flags.temperature,
    topP: flags.top_p,
    topK: flags.top_k,
    maxNewTokens: flags.max_new_tokens,
  }
  if (flags.json !== true && flags.samples === 1)
    return streamAnswer(context, prepared, { ...sampling, seed: flags.seed })
  const { vlm, prompt } = prepared
  const { samples, seed } = flags
  const [completions = []] = await vlm.sample({ ...sampling, prompts: [prompt], samples, seeds: [seed] })
  context.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ samples: completions.map(toJson) })}\n`
      : toText(context, completions),
  )
  return 0
}

export function toJson({ ids, text, logProbabilities, finishReason }: Completion) {
  return { ids: [...ids], text, logprobs: [...logProbabilities], finish_reason: finishReason }
}

function toText(context: Context, completions: readonly Completion[]): string {
  const { stdout } = context
  const paint = painter(context, stdout)
  return completions
    .map(({ ids, text, finishReason }, i) => {
      const end = finishReason === 'length' ? ', cut off' : ''
      const title = `${i + 1} of ${completions.length} (${ids.length} ${ids.length === 1 ? 'token' : 'tokens'}${end})`
      return `${paint('dim', title)}\n${printable(text, stdout).replace(/\n$/, '')}\n`
    })
    .join('\n')
}
