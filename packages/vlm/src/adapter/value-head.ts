/** A head that scores tokens instead of predicting them, as a model of rewards has it. */
import { parameterLayout } from '@evolmm/onnx'
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import { hasValueHead, valueHeadWeight } from '../programs/trainable'
import type { Adapter } from './adapter'
import { parameterView } from './parameter-view'

/**
 * A copy of the adapter with a value head behind it, [1, D] from the last hidden state to one number, whose weights are 0:
 * `adapterArrays(adapter).get('score.weight')` is where to write others. Throws `INVALID_ADAPTER` for one that has it.
 */
export function addValueHead({ sizes }: Pick<Backbone, 'sizes'>, adapter: Adapter): Adapter {
  const { trainable } = adapter
  if (hasValueHead(trainable))
    throw new EvolmmError(
      'INVALID_ADAPTER',
      'adapter: must be without a value head, got one with it; pass the adapter as it was made',
    )
  const shapes = trainable.layout.entries.map(({ name, shape }) => [name, shape] as const)
  const layout = parameterLayout([...shapes, [valueHeadWeight, [1, sizes.hiddenSize]]])
  const headed = {
    ...adapter,
    trainable: { ...trainable, layout },
    parameters: new Float32Array(layout.size),
  }
  for (const [name] of shapes) parameterView(headed, name).set(parameterView(adapter, name))
  return headed
}

/** Throws `INVALID_ADAPTER` for an adapter with a value head, which no file that we write has a place for. */
export function checkNoValueHead({ trainable }: Adapter): void {
  if (!hasValueHead(trainable)) return
  throw new EvolmmError(
    'INVALID_ADAPTER',
    'adapter: must be without a value head to be saved, got one with it; keep its parameters as tensors by name',
  )
}
