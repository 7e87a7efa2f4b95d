/** From a folder to its backbone. A new architecture is one more line here. */
import type { Backbone } from './backbone'
import { qwenBackbone } from './qwen2_5_vl/qwen-backbone'
import { readConfig } from './qwen2_5_vl/read-config'

/** Throws `UNSUPPORTED_MODEL` or `INVALID_CONFIG`. */
export async function openBackbone(folder: string): Promise<Backbone> {
  return qwenBackbone(await readConfig(folder))
}
