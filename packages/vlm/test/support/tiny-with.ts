/** The tiny checkpoint's model with some fields of its `config.json` changed. */
import type { Backbone } from '../../src/backbones/backbone'
import { openBackbone } from '../../src/backbones/open-backbone'
import { readFixture } from '../prompt-checkpoint'

type Json = Record<string, unknown>

const json = readFixture('qwen2_5_vl-tiny/config.json') as Json & { vision_config: Json }

export function tinyWith(changes: Json = {}, vision: Json = {}): Backbone {
  return openBackbone({ ...json, ...changes, vision_config: { ...json.vision_config, ...vision } })
}
