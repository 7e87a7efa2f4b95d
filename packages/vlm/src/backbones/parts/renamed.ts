/**
 * Names by a table of prefixes, which serves modules and tensors alike. Within our code they have the names of the live
 * model in transformers 5; files of the hub and older adapters have those from before.
 */
import type { Names } from '../../checkpoint/checkpoint-model'

/** `prefixes` has what names begin with, published and canonical; the first that fits counts. */
export function renamed(prefixes: readonly (readonly [published: string, canonical: string])[]): Names {
  return {
    canonical: (name) => {
      if (prefixes.some(([, canonical]) => name.startsWith(canonical))) return name
      const [published = '', canonical = ''] = prefixes.find(([prefix]) => name.startsWith(prefix)) ?? []
      return canonical + name.slice(published.length)
    },
    published: (name) => {
      const [published = '', canonical = ''] = prefixes.find(([, prefix]) => name.startsWith(prefix)) ?? []
      return published + name.slice(canonical.length)
    },
    // Buffers that old files hold, and the copy of the embeddings that stands for a tied head.
    harmless: (name) => name === 'lm_head.weight' || /\brotary_(?:pos_)?emb\.inv_freq$/.test(name),
  }
}
