import { checkObject } from '@evolmm/internal'
import type { FloatArray } from '@evolmm/safetensors'
import ndarray from 'ndarray'
import type { Adapter } from './adapter'
import { parameterView } from './parameter-view'

/** The parameters of an adapter by name, as views: whoever writes into one changes the adapter. */
export function adapterArrays(adapter: Adapter): Map<string, FloatArray> {
  checkObject('adapter', adapter)
  checkObject('adapter.trainable', adapter.trainable)
  return new Map(
    adapter.trainable.layout.entries.map(({ name, shape }) => [
      name,
      ndarray(parameterView(adapter, name), [...shape]),
    ]),
  )
}
