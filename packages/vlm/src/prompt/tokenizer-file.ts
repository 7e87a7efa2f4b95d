/** What a `tokenizer.json` may ask of the library that reads it: ids that it can count to, and patterns that end. */
import { isObject } from '@evolmm/internal'
import { damaged, type JsonObject } from '../checkpoint/read-checkpoint-file'
import { patternFault } from './pattern-fault'

/** Ids are places in a list; published vocabularies have some hundred thousand. */
const mostTokens = 2 ** 22

/** Throws `CHECKPOINT_FILE_DAMAGED`. */
export function checkTokenizerFile(file: string, json: JsonObject, settings: JsonObject): void {
  const { vocab } = isObject(json.model) ? json.model : {}
  if (isObject(vocab)) for (const [token, id] of Object.entries(vocab)) checkId(file, token, id)
  else if (Array.isArray(vocab) && vocab.length > mostTokens)
    throw damaged(file, `must have ${mostTokens} tokens at most, got ${vocab.length}`)
  // What is no list of tokens is refused by the library.
  for (const added of Array.isArray(json.added_tokens) ? json.added_tokens.filter(isObject) : [])
    checkId(file, String(added.content), added.id)
  const decoder = isObject(settings.added_tokens_decoder) ? settings.added_tokens_decoder : {}
  for (const id of Object.keys(decoder)) checkId(file, 'of added_tokens_decoder', Number(id))
  for (const pattern of patternsIn(json)) checkPattern(file, pattern)
}

function checkId(file: string, token: string, id: unknown): void {
  if (Number.isInteger(id) && Number(id) >= 0 && Number(id) < mostTokens) return
  throw damaged(file, `token ${shown(token)} must have an id from 0 to ${mostTokens - 1}, got ${shown(id)}`)
}

/** Regular expressions, wherever normalizers, pre-tokenizers and decoders have them. */
function patternsIn(value: unknown, depth = 0): string[] {
  // The vocabulary has none.
  if (typeof value !== 'object' || value === null || depth > 20) return []
  return Object.entries(value).flatMap(([name, each]: [string, unknown]) => {
    if (name === 'model' && depth === 0) return []
    if (name === 'Regex' && typeof each === 'string') return [each]
    return patternsIn(each, depth + 1)
  })
}

function checkPattern(file: string, pattern: string): void {
  const fault = patternFault(pattern)
  if (fault !== undefined) throw damaged(file, `a pattern must ${fault}, got ${shown(pattern)}`)
}

function shown(value: unknown): string {
  return (value === undefined ? 'none' : JSON.stringify(value)).slice(0, 100)
}
