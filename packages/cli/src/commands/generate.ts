/** `evolmm generate`: what a model answers. */
import { counted } from '@evolmm/internal'
import {
  adapterRows,
  adapterRule,
  integer,
  modelRows,
  pixelRule,
  samplingRows,
  schema,
  type SettingsOf,
} from '@evolmm/settings'
import type { Completion, SamplingOptions } from '@evolmm/vlm'
import { painter, printable, type Context } from '../context'
import { promptRows } from '../prompt-rows'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { streamAnswer } from '../stream-answer'
import { withPrompt, type PreparedPrompt } from '../with-model'

const { seed, ...sampling } = samplingRows

const generateSettings = schema({
  name: 'an answer',
  groups: {
    Model: modelRows,
    Prompt: promptRows,
    Adapter: adapterRows,
    Sampling: {
      ...sampling,
      samples: integer(1, 'number of answers', {
        min: 1,
        identity: true,
        elsewhere: ['num_generations', 'num_return_sequences', 'n'],
      }),
      seed,
    },
  },
  rules: [adapterRule, pixelRule],
})
type GenerateSettings = SettingsOf<typeof generateSettings>

const examples = `
Examples:
  $ evolmm generate --model Qwen/Qwen2.5-VL-3B-Instruct --image chart.png --prompt "Which bar is the tallest?"
  $ evolmm generate --model ./checkpoint --image a.png b.png --prompt "What changed?" --samples 5 --seed 7 --json

A flag may be written with _ or -. --image takes several files and may be repeated. Of the sampling
settings that come with a checkpoint only the stop tokens are applied.`

export function addGenerate(host: CommandHost): void {
  addSettingsCommand(host, 'generate', {
    usage: '--model <dir_or_id> --prompt <text> [options]',
    summary: 'answer a prompt about images',
    description: 'Answers a prompt about images, as text while it is generated or as JSON.',
    examples,
    schema: generateSettings,
    json: 'ids, text, log-probabilities and finish reason, as JSON',
    run: (context, { settings }, { json }) =>
      withPrompt(context, settings, (prepared) => generate(context, { settings, json }, prepared)),
  })
}

async function generate(
  context: Context,
  { settings, json }: { settings: GenerateSettings; json: boolean },
  { vlm, prompt, adapter }: PreparedPrompt,
): Promise<number> {
  const { samples, seed } = settings
  const sampling: SamplingOptions = {
    adapter,
    temperature: settings.temperature,
    topP: settings.top_p,
    topK: settings.top_k,
    maxNewTokens: settings.max_new_tokens,
  }
  if (!json && samples === 1) return streamAnswer(context, { vlm, prompt }, { ...sampling, seed })
  const [completions = []] = await vlm.sample({ ...sampling, prompts: [prompt], samples, seeds: [seed] })
  context.stdout.write(
    json ? `${JSON.stringify({ samples: completions.map(toJson) })}\n` : toText(context, completions),
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
      const title = `${i + 1} of ${completions.length} (${counted(ids.length, 'token')}${end})`
      return `${paint('dim', title)}\n${printable(text, stdout).replace(/\n$/, '')}\n`
    })
    .join('\n')
}
