/** What belongs to a model and is not weights: files of the tokenizer, the processor, the template and generation. */
import { join } from 'node:path'
import { readIfThere } from '@evolmm/internal/node'

const companions = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'preprocessor_config.json',
  'processor_config.json',
  'video_preprocessor_config.json',
  'chat_template.json',
  'chat_template.jinja',
]

/** Those that a model's folder has, by name. Throws `UNREADABLE_FILE`. */
export async function companionFiles(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const name of companions) {
    const content = await readIfThere(join(folder, name))
    if (content !== undefined) files.set(name, content)
  }
  return files
}
