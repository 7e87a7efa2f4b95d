/** `evolmm score`: how likely a model finds a completion. */
import { counted } from '@evolmm/internal'
import { tokenText, type EncodedImage, type Prompt } from '@evolmm/vlm'
import {
  adapterRows,
  adapterRule,
  modelRows,
  pixelRule,
  schema,
  text,
  type SettingsOf,
} from '@evolmm/settings'
import { EvolmmError } from '../errors'
import { painter, type Context } from '../context'
import { promptRows } from '../prompt-rows'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { withPrompt, type PreparedPrompt } from '../with-model'

const scoreSettings = schema({
  name: 'a score',
  groups: {
    Model: modelRows,
    Prompt: {
      ...promptRows,
      completion: text(null, 'what is scored', { required: true, verbatim: true, identity: true }),
    },
    Adapter: adapterRows,
  },
  rules: [adapterRule, pixelRule],
})

const examples = `
Examples:
  $ evolmm score --model ./checkpoint --image chart.png --prompt "How many bars?" --completion "5<|im_end|>"
  $ evolmm score --model ./checkpoint --adapter ./solver --prompt "2+2?" --completion "4" --json

Special tokens written in the completion are parsed as such, and nothing is appended: write the end
of the turn yourself if it is to be scored. A flag may be written with _ or -.`

export function addScore(host: CommandHost): void {
  addSettingsCommand(host, 'score', {
    usage: '--model <dir_or_id> --prompt <text> --completion <text> [options]',
    summary: 'say how likely a completion is',
    description: 'Says how likely each token of a completion is after a prompt about images.',
    examples,
    schema: scoreSettings,
    json: 'ids, positions, tiles and log-probabilities, as JSON',
    run: (context, { settings }, { json }) =>
      withPrompt(context, settings, (prepared) => score(context, { settings, json }, prepared)),
  })
}

async function score(
  context: Context,
  { settings, json }: { settings: SettingsOf<typeof scoreSettings>; json: boolean },
  { vlm, prompt, images, adapter }: PreparedPrompt,
): Promise<undefined> {
  const ids = Int32Array.from(vlm.tokenizer.encode(settings.completion))
  if (ids.length === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      'completion: must hold at least one token, got an empty text; write what is to be scored',
      { details: { option: 'completion' } },
    )
  const { completions } = await vlm.score({ groups: [{ prompt, completions: [{ ids }] }], adapter })
  const logprobs = [...(completions[0]?.[0]?.logProbabilities ?? [])]
  if (json) {
    const report = {
      prompt_ids: [...prompt.ids],
      position_ids: positionRows(prompt, ids.length),
      ...layoutFields(vlm.imageFields, images),
      completion_ids: [...ids],
      logprobs,
    }
    context.stdout.write(`${JSON.stringify(report)}\n`)
  } else {
    const tokens = Array.from(ids, (id) => tokenText(vlm.tokenizer, id))
    context.stdout.write(table(context, tokens, logprobs))
  }
}

/** What transformers' processor gives besides pixels, with a row for each image. */
function layoutFields(names: readonly string[], images: readonly EncodedImage[]): Record<string, number[][]> {
  return Object.fromEntries(names.map((name) => [name, images.map(({ fields }) => [...fields[name]])]))
}

/** A row for each axis over prompt and completion. */
function positionRows({ ids, positions, delta }: Prompt, added: number): number[][] {
  const after = Array.from({ length: added }, (_, i) => ids.length + i + delta)
  const axes = positions.length / ids.length
  return Array.from({ length: axes }, (_, row) => [
    ...positions.subarray(row * ids.length, (row + 1) * ids.length),
    ...after,
  ])
}

function table(context: Context, tokens: readonly string[], logprobs: readonly number[]): string {
  const paint = painter(context, context.stdout)
  const total = logprobs.reduce((sum, value) => sum + value, 0)
  const mean = total / logprobs.length
  const rows = logprobs.map((value, i) => `${value.toFixed(4).padStart(10)}  ${show(tokens[i] ?? '')}`)
  return [
    paint('bold', '   logprob  token'),
    ...rows,
    '',
    `total ${total.toFixed(4)}, mean ${mean.toFixed(4)}, perplexity ${Math.exp(-mean).toFixed(3)}, ${counted(tokens.length, 'token')}`,
    '',
  ].join('\n')
}

/** The token is shown in quotes, with everything that a terminal would not show or obey written out. */
function show(token: string): string {
  return JSON.stringify(token).replace(
    /\p{Cc}/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
