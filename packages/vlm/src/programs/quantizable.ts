/** Quantizable weights are those that can be held in four bits. */
import type { Backbone } from '../backbones/backbone'

/**
 * The matrices of all linear modules but the head, in both towers, as those who come from bitsandbytes expect: the head's
 * may be the embeddings', and its errors go into every word.
 */
export function quantizable({
  modules,
  weights,
  head,
}: Pick<Backbone, 'modules' | 'weights' | 'head'>): string[] {
  const names = [...modules.keys()].map((module) => `${module}.weight`)
  return names.filter((name) => weights.has(name) && name !== head.weight)
}
