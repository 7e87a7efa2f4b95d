/** The weights of a checkpoint for a model of the same shape that knows more words. */
import { adapterArrays, loadVlm, type Adapter } from '@evolmm/vlm'
import { specialTokens } from './tokenizer-files'

/**
 * Writes all weights of `folder` into the adapter. Words keep their ids, and special tokens are the last in both; the rows of
 * words that `folder` lacks stay as they are.
 */
export async function takeWeights(adapter: Adapter, folder: string): Promise<void> {
  const source = await loadVlm(folder, { threads: 1 })
  try {
    const stored = adapterArrays(await source.trainWeights({ vision: true }))
    for (const [name, { data, shape }] of adapterArrays(adapter)) {
      const values = stored.get(name)?.data
      if (values === undefined) throw new Error(`internal: ${folder} has no ${name}`)
      const last = name.endsWith('embed_tokens.weight') ? specialTokens.length * shape[1] : 0
      data.set(values.subarray(0, values.length - last))
      data.set(values.subarray(values.length - last), data.length - last)
    }
  } finally {
    await source.dispose()
  }
}
