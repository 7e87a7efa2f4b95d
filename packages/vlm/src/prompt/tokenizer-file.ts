/** What a `tokenizer.json` may ask of the library that reads it: ids that it can count to, and patterns that end. */
import { isObject } from '@evolmm/internal'
import { damaged, type JsonObject } from '../checkpoint/read-checkpoint-file'

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

/**
 * JavaScript's matcher goes back and forth: a repetition in a repetition can take exponentially long, and each further one
 * in a row multiplies the time by the length of the text. Published patterns have two in a row at most.
 */
function checkPattern(file: string, pattern: string): void {
  const fault =
    pattern.length > 4096
      ? 'be shorter than 4096 characters'
      : hasNestedRepetition(pattern)
        ? 'not repeat what repeats'
        : hasManyRepetitions(pattern)
          ? 'repeat without end three times in an alternative at most'
          : /\\[1-9k]/.test(pattern)
            ? 'not refer back'
            : undefined
  if (fault !== undefined) throw damaged(file, `a pattern must ${fault}, got ${shown(pattern)}`)
}

/** The signs of a pattern that matter here; what is escaped or in a class is `x`. */
function signs(pattern: string): string {
  return pattern.replace(/\\[pP]\{[^}]*\}|\\[^]|\[(?:\\[^]|[^\]\\])*\]/g, 'x')
}

const endless = /^(?:[*+]|\{\d*,\})/

function hasNestedRepetition(pattern: string): boolean {
  const text = signs(pattern)
  /** It says of each open group whether something in it repeats a varying number of times. */
  const open = [false]
  for (let i = 0; i < text.length; i++) {
    const repeats = /^(?:[*+]|\{\d*,\d*\})/.test(text.slice(i))
    if (text[i] === '(') open.push(false)
    else if (text[i] === ')') {
      const inner = open.pop() ?? false
      if (open.length === 0) return false
      // An optional group is no repetition.
      if (inner && /^(?:[*+]|\{)/.test(text.slice(i + 1))) return true
      open[open.length - 1] ||= inner
    } else if (repeats) open[open.length - 1] = true
  }
  return false
}

function hasManyRepetitions(pattern: string): boolean {
  const text = signs(pattern)
  let count = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '|') count = 0
    else if (endless.test(text.slice(i))) count++
    if (count > 3) return true
  }
  return false
}

function shown(value: unknown): string {
  return (value === undefined ? 'none' : JSON.stringify(value)).slice(0, 100)
}
