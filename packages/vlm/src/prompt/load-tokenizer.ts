/**
 * The tokenizer of a checkpoint, from its `tokenizer.json` and `tokenizer_config.json`: ids and text exactly as the
 * `tokenizers` crate gives them, checked against the configuration of the model that they are meant for.
 */
import { join } from 'node:path'
import { isObject } from '@evolmm/internal'
import { type AddedToken, Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { EvolmmError } from '../errors'
import { damaged, readJson, readOptionalJson, type JsonObject } from '../checkpoint/read-checkpoint-file'
import { checkTokenizerFile } from './tokenizer-file'

export interface Tokenizer {
  /** Ids of a text. Special tokens written in it are parsed, as everywhere in Hugging Face. */
  encode(text: string, options?: EncodeOptions): number[]
  /**
   * Text of ids. Bytes that are not UTF-8 become U+FFFD. Ids without a token, which the padded rows of an embedding
   * can have, give no text.
   */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string
  /** `undefined` for a token that does not exist. */
  tokenId(token: string): number | undefined
  token(id: number): string | undefined
  /** True if `skipSpecial` leaves the token out. */
  isSpecial(id: number): boolean
  /** One more than the largest id. The model's vocabulary may be larger: embeddings are padded. */
  readonly vocabularySize: number
  /** Tokens that chat templates may name: `bos_token`, `eos_token` and so on, where the checkpoint has them. */
  readonly namedTokens: Readonly<Partial<Record<string, string>>>
}

interface EncodeOptions {
  /** True adds what the tokenizer's post-processor adds, such as a first token. @default false */
  addSpecial?: boolean
}

export interface DecodeOptions {
  /** Leave special tokens out. @default false */
  skipSpecial?: boolean
}

export interface LoadTokenizerOptions {
  /** The folder that the checkpoint is in. */
  folder: string
  /** Tokens that there must be, with the ids that the model knows them by. */
  tokens: ReadonlyMap<string, number>
  /** Rows of the model's embeddings. */
  vocabularySize: number
  /** Makes what `tokenizer.json` would hold, of a folder without one. @default the file must be there */
  json?: ((folder: string) => Promise<JsonObject | undefined>) | undefined
}

const names = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token']

/**
 * Throws `CHECKPOINT_FILE_NOT_FOUND`, `CHECKPOINT_FILE_DAMAGED`, or `TOKENIZER_MISMATCH` when the tokens are not those
 * of the model.
 */
export async function loadTokenizer(options: LoadTokenizerOptions): Promise<Tokenizer> {
  const { folder } = options
  const found = (await readOptionalJson(folder, 'tokenizer.json')) ?? (await options.json?.(folder))
  const json = found ?? (await readJson(folder, 'tokenizer.json'))
  const settings = await readJson(folder, 'tokenizer_config.json')
  const tokenizer = makeTokenizer(join(folder, 'tokenizer.json'), json, settings)
  checkAgainst(options, tokenizer)
  return tokenizer
}

function makeTokenizer(file: string, json: JsonObject, settings: JsonObject): Tokenizer {
  let core: HuggingFaceTokenizer
  let added: AddedToken[]
  let vocabularySize = 0
  checkTokenizerFile(file, json, settings)
  try {
    core = new HuggingFaceTokenizer(json, settings)
    added = [...core.get_added_tokens_decoder().values()]
    for (const id of core.get_vocab().values()) vocabularySize = Math.max(vocabularySize, id + 1)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw damaged(file, `must describe a tokenizer of a known kind, got "${why}"`, cause)
  }
  const special = new Set(added.filter((token) => token.special).map((token) => token.id))
  for (const token of listOf(settings.additional_special_tokens)) {
    const id = core.token_to_id(token)
    if (id !== undefined) special.add(id)
  }

  return {
    encode(text, { addSpecial = false } = {}) {
      checkText(text)
      return core.encode(text, { add_special_tokens: addSpecial }).ids
    },
    decode(ids, { skipSpecial = false } = {}) {
      const known = Array.from(ids, checkId).filter(
        (id) => core.id_to_token(id) !== undefined && !(skipSpecial && special.has(id)),
      )
      // "Cleaning up" would delete spaces before punctuation.
      return known.length === 0 ? '' : core.decode(known, { clean_up_tokenization_spaces: false })
    },
    tokenId: (token) => core.token_to_id(token),
    token: (id) => core.id_to_token(id),
    isSpecial: (id) => special.has(id),
    vocabularySize,
    namedTokens: Object.fromEntries(
      names.flatMap((name) => {
        const token = contentOf(settings[name])
        return token === undefined ? [] : [[name, token]]
      }),
    ),
  }
}

function checkAgainst({ folder, tokens, vocabularySize }: LoadTokenizerOptions, tokenizer: Tokenizer): void {
  const mismatch = (rule: string, details: JsonObject): EvolmmError =>
    new EvolmmError(
      'TOKENIZER_MISMATCH',
      `tokenizer of ${folder}: ${rule}; use the tokenizer and the configuration of one checkpoint`,
      { details: { folder, ...details } },
    )
  for (const [token, expected] of tokens) {
    const got = tokenizer.encode(token)
    if (got.length !== 1)
      throw mismatch(`must have the token ${token}, with id ${expected}, got none`, { token, expected })
    if (got[0] !== expected)
      throw mismatch(`${token} must have id ${expected}, got ${got[0]}`, { token, expected, got: got[0] })
  }
  if (tokenizer.vocabularySize > vocabularySize)
    throw mismatch(`must have no id above ${vocabularySize - 1}, got ${tokenizer.vocabularySize - 1}`, {
      vocabularySize,
    })
}

function checkText(text: unknown): void {
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) {
    const got = typeof text === 'string' ? 'half a surrogate pair' : typeof text
    throw new EvolmmError('INVALID_OPTION', `text: must be well-formed Unicode, got ${got}; pass such a text`)
  }
}

function checkId(id: number): number {
  if (!Number.isSafeInteger(id) || id < 0)
    throw new EvolmmError('INVALID_OPTION', `ids: must be integers from 0, got ${id}; pass token ids`, {
      details: { id },
    })
  return id
}

/** Token fields are a string or an object with `content`. */
function contentOf(token: unknown): string | undefined {
  const content = isObject(token) ? token.content : token
  return typeof content === 'string' ? content : undefined
}

function listOf(tokens: unknown): string[] {
  return Array.isArray(tokens) ? tokens.flatMap((token) => contentOf(token) ?? []) : []
}
