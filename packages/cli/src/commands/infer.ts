/**
 * `evolmm infer`: what a trained model answers, with the settings of the released inference script: the chat template's
 * own system message, the question as it is, the likeliest tokens, 1024 of them at most. Merges an adapter on demand.
 */
import type { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import type { SamplingOptions } from '@evolmm/vlm'
import type { Context } from '../context'
import { dtypes, type Dtype } from '../library'
import {
  addAdapterFlags,
  addImageFlag,
  addModelFlags,
  addOutputFlags,
  addPixelFlags,
  integer,
  number,
  oneOf,
  requireFlags,
  text,
  type PromptFlags,
} from '../options'
import { streamAnswer } from '../stream-answer'
import { checkAdapterFlags, openAdapter, withModel, withPrompt, type Prepared } from '../with-model'
import { toJson } from './generate'

interface InferFlags extends Omit<PromptFlags, 'prompt'> {
  question?: string
  max_new_tokens: number
  temperature: number
  top_p: number
  seed: number
  merge?: string
  merge_dtype?: Dtype
  json?: boolean
}

const examples = `
Examples:
  $ evolmm infer --model Qwen/Qwen2.5-VL-7B-Instruct \\
      --adapter omkarthawakar/EvoLMM \\
      --image chart.png --question "Which bar is the tallest?"
  $ evolmm infer --model ./checkpoint --adapter runs/charts/step_00100 \\
      --image chart.png --question "How many bars?"
  $ evolmm infer --model ./checkpoint --adapter runs/charts/step_00100 \\
      --merge merged

Where an adapter's folder holds none itself, the one in its subfolder solver is
taken; --adapter_subfolder names another, as proposer or solver/proposer.
--merge goes without a question too.`

export function addInfer(program: Command, context: Context, exit: (code: number) => void): void {
  const command = program
    .command('infer')
    .usage('--model <dir_or_id> --adapter <dir_or_id> [options]')
    .summary('answer with a trained adapter, or merge it')
    .description(
      'Answers a question about an image with a trained adapter, as the released inference script does.',
    )
  addModelFlags(command)
  addAdapterFlags(command)
  command.option('--merge <dir>', 'write a checkpoint with the adapter in its weights', text('--merge'))
  command.option(
    '--merge_dtype <name>',
    `type of its weights: ${dtypes.join(', ')} (default: the checkpoint's)`,
    oneOf('--merge_dtype', dtypes),
  )
  command.optionsGroup('Question:')
  addImageFlag(command).option('--question <text>', 'asked as it is', text('--question'))
  command.option('--system <text>', "system message (default: the chat template's)")
  addPixelFlags(command)
  command.optionsGroup('Answer:')
  command
    .option('--max_new_tokens <n>', 'stop after this many tokens', integer('--max_new_tokens', 1), 1024)
    .option('--temperature <t>', '0 always takes the likeliest token', number('--temperature', { min: 0 }), 0)
    .option(
      '--top_p <p>',
      'draw from the fewest tokens that share this probability',
      number('--top_p', { above: 0, max: 1 }),
      1,
    )
    .option('--seed <n>', 'the same seed gives the same answer', integer('--seed', 0), 0)
  addOutputFlags(command, 'answer, ids, log-probabilities and finish reason, as JSON')
    .addHelpText('after', examples)
    .action(async (flags: InferFlags) => {
      requireFlags(command, 'model', ...(flags.merge === undefined ? ['image', 'question'] : ['adapter']))
      const { question } = flags
      if ((question === undefined) !== (flags.image === undefined)) requireFlags(command, 'image', 'question')
      if (flags.merge_dtype !== undefined && flags.merge === undefined)
        throw new EvolmmError(
          'INVALID_OPTION',
          `--merge_dtype: must go with --merge, got ${flags.merge_dtype} alone; add --merge or leave it out`,
        )
      if (question === undefined) {
        checkAdapterFlags(flags)
        await withModel(context, flags, async (vlm, progress) =>
          merge(context, flags, { vlm, adapter: await openAdapter(vlm, flags, progress) }),
        )
        return
      }
      const code = await withPrompt(context, { ...flags, prompt: question }, async (prepared) => {
        await merge(context, flags, prepared)
        return answer(context, flags, prepared)
      })
      exit(code)
    })
}

async function answer(context: Context, flags: InferFlags, prepared: Prepared): Promise<number> {
  const { vlm, prompt, adapter } = prepared
  const { seed, temperature, top_p: topP, max_new_tokens: maxNewTokens } = flags
  const sampling: SamplingOptions = { adapter, temperature, topP, maxNewTokens }
  if (flags.json !== true) return streamAnswer(context, prepared, { ...sampling, seed })
  const [[completion]] = await vlm.sample({ ...sampling, prompts: [prompt], seeds: [seed] })
  const { text: answer, ...rest } = toJson(completion)
  context.stdout.write(`${JSON.stringify({ answer, ...rest, merged: flags.merge ?? null })}\n`)
  return 0
}

async function merge(
  { stderr }: Context,
  { merge: folder, merge_dtype: requested }: InferFlags,
  { vlm, adapter }: Pick<Prepared, 'vlm' | 'adapter'>,
): Promise<void> {
  if (folder === undefined || adapter === undefined) return
  const dtype = requested ?? (await storedType(vlm.folder))
  await vlm.saveMerged(folder, adapter, { dtype }).catch((error: unknown) => {
    if (!(error instanceof EvolmmError) || error.code !== 'WOULD_OVERWRITE') throw error
    throw new EvolmmError(
      error.code,
      `--merge ${JSON.stringify(folder)}: must not have a checkpoint yet, got one; choose another folder`,
      { details: error.details, cause: error },
    )
  })
  stderr.write(`written: ${folder} (${dtype})\n`)
}

/** What the weights of a checkpoint are by its own account. */
async function storedType(folder: string): Promise<Dtype> {
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as {
    dtype?: unknown
    torch_dtype?: unknown
  }
  return dtypes.find((one) => one === (config.dtype ?? config.torch_dtype)) ?? 'float32'
}
