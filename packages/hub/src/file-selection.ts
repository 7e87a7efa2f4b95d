/**
 * A selection says which files of a repository are wanted. Patterns are those of huggingface_hub: `*` (also across
 * "/"), `?`, `[abc]`, `[!abc]`; one that ends in "/" means everything below.
 */
import { checkText } from '@evolmm/internal'
import { EvolmmError } from './errors'

export interface FileSelection {
  /** A file must match one of these. @default all */
  allow?: string | readonly string[] | undefined
  /** No files that match one of these. @default none */
  ignore?: string | readonly string[] | undefined
  /** Patterns of which each must match a selected file, or else the repository is not of the expected kind. @default none */
  require?: string | readonly string[] | undefined
}

/** A model as transformers saves it, without copies in other formats, precisions or sub-folders. */
export const modelFiles = {
  allow: [
    '*config.json',
    'tokenizer.json',
    'tokenizer.model',
    'special_tokens_map.json',
    'added_tokens.json',
    'vocab.json',
    'vocab.txt',
    'merges.txt',
    'chat_template.json',
    'chat_template.jinja',
    '*.safetensors',
    '*.safetensors.index.json',
  ],
  ignore: ['*/*', 'adapter_*', 'consolidated*', '*.fp16*.safetensors*', '*.bf16*.safetensors*'],
  require: ['config.json', '*.safetensors'],
} as const satisfies FileSelection

/** A PEFT adapter, or several in sub-folders such as `solver/`. */
export const adapterFiles = {
  allow: [
    'adapter_config.json',
    '*/adapter_config.json',
    'adapter_model.safetensors',
    '*/adapter_model.safetensors',
    'value_head.safetensors',
    '*/value_head.safetensors',
  ],
  require: ['*adapter_config.json', '*adapter_model.safetensors'],
} as const satisfies FileSelection

export function selectFiles<T extends { path: string }>(files: readonly T[], selection: FileSelection): T[] {
  const allowed = selection.allow === undefined ? () => true : matcher(selection.allow)
  const ignored = matcher(selection.ignore ?? [])
  return files.filter(({ path }) => allowed(path) && !ignored(path))
}

/** The required patterns that no path matches. */
export function unmetPatterns(paths: readonly string[], selection: FileSelection): string[] {
  return listOf(selection.require ?? []).filter((pattern) => !paths.some(matcher(pattern)))
}

function matcher(patterns: string | readonly string[]): (path: string) => boolean {
  const expressions = listOf(patterns).map(toExpression)
  return (path) => expressions.some((expression) => expression.test(path))
}

function listOf(patterns: string | readonly string[]): readonly string[] {
  const list: unknown = typeof patterns === 'string' ? [patterns] : patterns
  if (Array.isArray(list)) return list.map((pattern) => checkText('pattern', pattern))
  throw new EvolmmError(
    'INVALID_OPTION',
    `allow, ignore, require: must be a pattern or a list of patterns, got ${typeof list}; pass such a value`,
  )
}

function toExpression(pattern: string): RegExp {
  const whole = pattern.endsWith('/') ? `${pattern}*` : pattern
  const source = whole.replace(
    /\[(!?)(\][^\]]*|[^\]]+)\]|[^]/g,
    (token, not: string, set: string | undefined) => {
      if (set !== undefined) return `[${not && '^'}${set.replace(/[\\\]^[]/g, '\\$&')}]`
      if (token === '*') return '.*'
      return token === '?' ? '.' : token.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
    },
  )
  try {
    return new RegExp(`^${source}$`, 's')
  } catch {
    return /(?!)/ // a range such as [z-a] holds nothing
  }
}
