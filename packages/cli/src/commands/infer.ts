/**
 * `evolmm infer`: what a trained model answers, with the settings of the released inference script: the chat template's
 * own system message, the question as it is, the likeliest tokens, 1024 of them at most. Merges an adapter on demand.
 */
import { join } from 'node:path'
import { floatTypes, parseJson } from '@evolmm/internal'
import {
  adapterRows,
  adapterRule,
  choice,
  modelRows,
  pixelRule,
  samplingRows,
  schema,
  text,
  type SettingsOf,
} from '@evolmm/settings'
import type { SamplingOptions } from '@evolmm/vlm'
import { readSmallText } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { Context } from '../context'
import { promptRows } from '../prompt-rows'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { streamAnswer } from '../stream-answer'
import { openAdapter, withModel, withPrompt, type PreparedPrompt } from '../with-model'
import { toJson } from './generate'

const { image, system, min_pixels, max_pixels, image_options } = promptRows

const inferSettings = schema({
  name: 'an answer',
  groups: {
    Model: modelRows,
    Adapter: {
      ...adapterRows,
      adapter: { ...adapterRows.adapter, required: ({ merge }) => merge !== null },
      merge: text(null, 'write a checkpoint with the adapter in its weights', {
        value: 'dir',
        otherwise: 'none',
        identity: false,
      }),
      merge_dtype: choice(floatTypes, 'type of its weights', {
        default: null,
        otherwise: "the checkpoint's",
        identity: false,
      }),
    },
    Question: {
      image: { ...image, required: ({ merge, question }) => merge === null || question !== null },
      question: text(null, 'asked as it is', {
        otherwise: 'none',
        required: ({ image: file }) => file !== null,
        identity: true,
      }),
      system,
      min_pixels,
      max_pixels,
      image_options,
    },
    Answer: {
      max_new_tokens: { ...samplingRows.max_new_tokens, default: 1024 },
      temperature: { ...samplingRows.temperature, default: 0 },
      top_p: samplingRows.top_p,
      seed: samplingRows.seed,
    },
  },
  rules: [
    adapterRule,
    pixelRule,
    {
      about: 'merge_dtype',
      wrong: ({ merge, merge_dtype: dtype }, the) =>
        dtype !== null &&
        merge === null &&
        `must go with ${the('merge')}, got ${dtype} alone; add ${the('merge')} or leave it out`,
    },
  ],
})
type InferSettings = SettingsOf<typeof inferSettings>

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

export function addInfer(host: CommandHost): void {
  addSettingsCommand(host, 'infer', {
    usage: '--model <dir_or_id> --adapter <dir_or_id> [options]',
    summary: 'answer with a trained adapter, or merge it',
    description:
      'Answers a question about an image with a trained adapter, as the released inference script does.',
    examples,
    schema: inferSettings,
    json: 'answer, ids, log-probabilities and finish reason, as JSON',
    run: async (context, { settings }, { json }) => {
      const { question } = settings
      // Without a question there is an adapter to merge.
      if (question === null)
        return withModel(context, settings, async (vlm, progress) =>
          merge(context, settings, { vlm, adapter: await openAdapter(vlm, settings, progress) }),
        )
      return withPrompt(context, { ...settings, prompt: question }, async (prepared) => {
        await merge(context, settings, prepared)
        return answer(context, { settings, json }, prepared)
      })
    },
  })
}

async function answer(
  context: Context,
  { settings, json }: { settings: InferSettings; json: boolean },
  { vlm, prompt, adapter }: PreparedPrompt,
): Promise<number> {
  const { seed, temperature, top_p: topP, max_new_tokens: maxNewTokens } = settings
  const sampling: SamplingOptions = { adapter, temperature, topP, maxNewTokens }
  if (!json) return streamAnswer(context, { vlm, prompt }, { ...sampling, seed })
  const [[completion]] = await vlm.sample({ ...sampling, prompts: [prompt], seeds: [seed] })
  const { text: said, ...rest } = toJson(completion)
  context.stdout.write(`${JSON.stringify({ answer: said, ...rest, merged: settings.merge })}\n`)
  return 0
}

async function merge(
  { stderr }: Context,
  { merge: folder, merge_dtype: chosen }: InferSettings,
  { vlm, adapter }: Pick<PreparedPrompt, 'vlm' | 'adapter'>,
): Promise<undefined> {
  if (folder === null || adapter === undefined) return
  const dtype = chosen ?? (await storedType(vlm.folder))
  await vlm.saveMerged(folder, adapter, { dtype }).catch((error: unknown) => {
    if (!(error instanceof EvolmmError) || error.code !== 'WOULD_OVERWRITE') throw error
    throw new EvolmmError(
      error.code,
      `merge ${JSON.stringify(folder)}: must not have a checkpoint yet, got one; choose another folder`,
      { details: { ...error.details, option: 'merge' }, cause: error },
    )
  })
  stderr.write(`written: ${folder} (${dtype})\n`)
}

/** What the weights of a checkpoint are by its own account. */
async function storedType(folder: string): Promise<(typeof floatTypes)[number]> {
  const config = parseJson(await readSmallText(join(folder, 'config.json'))) as {
    dtype?: unknown
    torch_dtype?: unknown
  }
  return floatTypes.find((one) => one === (config.dtype ?? config.torch_dtype)) ?? 'float32'
}
