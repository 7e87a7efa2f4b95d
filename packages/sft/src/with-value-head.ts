/** An adapter that learns what tokens are worth. */
import { checkObject } from '@evolmm/internal'
import { adapterArrays, type Adapter, type Vlm } from '@evolmm/vlm'

/** A copy with a head that begins as the mean of the embeddings, as M-STaR's reward model does. */
export async function withValueHead(
  vlm: Pick<Vlm, 'addValueHead' | 'meanEmbedding'>,
  adapter: Adapter,
): Promise<Adapter> {
  checkObject('vlm', vlm, 'addValueHead', 'meanEmbedding')
  checkObject('adapter', adapter)
  const headed = vlm.addValueHead(adapter)
  adapterArrays(headed)
    .get('score.weight')
    ?.data.set(await vlm.meanEmbedding())
  return headed
}
