/** The added tokens of a tokenizer that has no `tokenizer.json`, as such a file would list them. */
import { isObject } from '@evolmm/internal'
import { damaged, type JsonObject } from '../../checkpoint/read-checkpoint-file'

export interface AddedTokenJson {
  id: number
  content: string
  single_word: boolean
  lstrip: boolean
  rstrip: boolean
  normalized: boolean
  special: boolean
}

/** Those of `added_tokens_decoder` in a `tokenizer_config.json`, by their ids; `file` is what errors call it. */
export function addedTokens(file: string, { added_tokens_decoder: decoder }: JsonObject): AddedTokenJson[] {
  const tokens = Object.entries(isObject(decoder) ? decoder : {}).map(([id, value]) => {
    const token = isObject(value) ? value : {}
    const { content } = token
    if (typeof content !== 'string' || content === '')
      throw damaged(
        file,
        `token ${id} of added_tokens_decoder must have a content, got ${JSON.stringify(content)}`,
      )
    const flag = (name: string) => token[name] === true
    return {
      id: Number(id),
      content,
      single_word: flag('single_word'),
      lstrip: flag('lstrip'),
      rstrip: flag('rstrip'),
      normalized: flag('normalized'),
      special: flag('special'),
    }
  })
  return tokens.sort((a, b) => a.id - b.id)
}
