/**
 * Questions about the same images as one packed group.
 *
 * Each turn is rendered as a conversation of its own. The tokens that all of them begin with, images included, are the
 * prompt of the group; what else a question needs, up to the opening of the assistant's turn, is context that is given
 * to its completion alone.
 */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { buildPrompt } from './build-prompt'
import { checkImages, checkList } from './check-inputs'
import { arranged } from './encode-image'
import type { Model } from './model'
import type { Group, GroupOptions, Prompt, ScoredCompletion, Turn } from './types'

/** Throws `INVALID_OPTION`, or what building a prompt throws. */
export function makeGroup(model: Model, options: GroupOptions): Group {
  checkNames('group', options, { images: true, turns: true, system: true, variables: true })
  const { backbone, tokenizer, template } = model
  const { images: given = [], turns, ...rest } = options
  checkList('turns', turns, 'turn')
  checkImages(backbone, given)
  const images = arranged(model, given)
  const fields = images.map((image) => image.fields)
  const whole = turns.map((turn, t) => {
    const { prompt } = checkTurn(turn, t)
    const build = () => buildPrompt({ tokenizer, template, rules: backbone.prompt, images, ...rest, prompt })
    return rest.variables === undefined
      ? model.remember(`prompt ${JSON.stringify([fields, rest.system, prompt])}`, build)
      : build()
  })
  const [{ text, ids, imageSpans }] = whole
  const shared = ids.subarray(0, commonLength(whole.map((each) => each.ids)))
  const last = imageSpans.at(-1)
  if (shared.length === 0 || (last !== undefined && last.start + last.length > shared.length))
    throw new EvolmmError(
      'INVALID_OPTION',
      `turns: must begin with the same tokens, all images included, got ${shared.length} that are the same; ` +
        'pass a group for each, or use a chat template that puts images before the text',
      { details: { option: 'turns', shared: shared.length } },
    )
  const prompt: Prompt = {
    messages: undefined,
    text: text.slice(0, commonLength(whole.map((each) => each.text))),
    ids: shared.slice(),
    imageSpans,
    ...backbone.positions(shared, images),
    images,
  }
  const completions = turns.map(({ completion }, t): ScoredCompletion => {
    const given = whole[t].ids.subarray(shared.length)
    if (typeof completion !== 'string')
      return { ...completion, ids: joined(given, completion.ids), given: given.length }
    const tokens = model.remember(`answer ${completion}`, () => tokenizer.encode(completion))
    const end = model.remember('end of turn', () => endOfTurn(model))
    return { ids: joined(given, [...tokens, end]), given: given.length }
  })
  return { prompt, completions }
}

function checkTurn(turn: Turn, index: number): Turn {
  const { completion } = (turn as Partial<Turn> | null | undefined) ?? {}
  const fits =
    typeof completion === 'string' ||
    (completion as Partial<ScoredCompletion> | null)?.ids instanceof Int32Array
  if (fits) return turn
  throw new EvolmmError(
    'INVALID_OPTION',
    `turns[${index}].completion: must be a text or have "ids", an Int32Array, got ${typeof completion}; ` +
      'pass a text, or what sample returns',
    { details: { option: 'turns', turn: index } },
  )
}

/** The length of what all sequences begin with in common. */
function commonLength(sequences: readonly ArrayLike<unknown>[]): number {
  const [first, ...others] = sequences
  let length = Math.min(...sequences.map((each) => each.length))
  for (const other of others)
    for (let i = 0; i < length; i++)
      if (other[i] !== first[i]) {
        length = i
        break
      }
  return length
}

function joined(given: Int32Array, rest: ArrayLike<number>): Int32Array {
  const ids = new Int32Array(given.length + rest.length)
  ids.set(given)
  ids.set(rest, given.length)
  return ids
}

/** The stop token that the chat template puts after an answer. */
function endOfTurn({ folder, template, tokenizer, generation }: Model): number {
  const text = template.render({
    messages: ['user', 'assistant'].map((role) => ({ role, content: 'x' })),
    addGenerationPrompt: false,
    variables: tokenizer.namedTokens,
  })
  const end = tokenizer.encode(text).findLast((id) => generation.stopTokens.includes(id))
  if (end !== undefined) return end
  throw new EvolmmError(
    'STOP_TOKEN_NOT_FOUND',
    `checkpoint ${folder}: the chat template must end an answer with a stop token, got none; ` +
      'pass completions as tokens, or mend the template',
    { details: { folder } },
  )
}
