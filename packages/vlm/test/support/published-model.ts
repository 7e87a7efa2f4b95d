/** A published model of which nothing is here but its sizes. */
import { publishedBackbone } from '../../src/backbones/open-backbone'
import type { Backbone } from '../../src/index'

export function publishedModel(name: string): Backbone {
  const backbone = publishedBackbone(name)
  if (backbone === undefined) throw new Error(`no published model is called ${name}`)
  return backbone
}
