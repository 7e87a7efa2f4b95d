/** A head that scores tokens instead of predicting them, as a model of rewards has it. */
import { join } from 'node:path'
import { findNotFinite } from '@evolmm/internal'
import { isThere } from '@evolmm/internal/node'
import { parameterLayout } from '@evolmm/onnx'
import {
  isFloatTensor,
  openSafetensors,
  readTensor,
  writeSafetensors,
  type FloatType,
} from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import { finiteWeight } from '../checkpoint/finite-weight'
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

/**
 * The file in an adapter's folder, and the names of the head in it, which are those that TRL knows. PEFT reads no such
 * file: to it the folder is an adapter like others.
 */
export const valueHeadFile = 'value_head.safetensors'
const headName = 'v_head.summary.weight'
const biasName = 'v_head.summary.bias'

/** Writes the head beside an adapter in `folder`, with the bias of 0 that TRL's has; nothing for an adapter without. */
export async function writeValueHead(folder: string, adapter: Adapter, dtype: FloatType): Promise<void> {
  if (!hasValueHead(adapter.trainable)) return
  const values = parameterView(adapter, valueHeadWeight)
  const tensors = [
    { name: headName, shape: [1, values.length], values },
    { name: biasName, shape: [1], values: new Float32Array(1) },
  ]
  const finite = tensors.map((tensor) => finiteWeight(tensor, dtype))
  await writeSafetensors(join(folder, valueHeadFile), finite, { dtype })
}

/**
 * The adapter with the head that lies in `folder`, or as it is where there is none. Throws `UNREADABLE_FILE`,
 * `INVALID_SAFETENSORS`, `INVALID_ADAPTER` for a head of another width, or `UNSUPPORTED_ADAPTER` for what we lack.
 */
export async function readValueHead(
  folder: string,
  backbone: Pick<Backbone, 'sizes'>,
  adapter: Adapter,
): Promise<Adapter> {
  const file = join(folder, valueHeadFile)
  if (!(await isThere(file))) return adapter
  const refused = (code: 'INVALID_ADAPTER' | 'UNSUPPORTED_ADAPTER', rule: string) =>
    new EvolmmError(code, `${file}: ${rule}; use the head that was saved with this adapter`, {
      details: { file },
    })
  const read = async (name: string, shape: readonly number[]): Promise<Float32Array> => {
    const tensor = tensors.get(name)
    if (tensor?.shape.join() !== shape.join() || !isFloatTensor(tensor))
      throw refused(
        'INVALID_ADAPTER',
        `${name} must be [${shape.join(', ')}] of float32, float16 or bfloat16, got ${
          tensor === undefined ? 'none' : `[${tensor.shape.join(', ')}] of ${tensor.dtype}`
        }`,
      )
    const { data } = await readTensor(tensor)
    if (findNotFinite(data) !== -1)
      throw refused('INVALID_ADAPTER', `${name} must hold finite numbers, got others`)
    return data
  }
  const tensors = await openSafetensors({ files: [file] })
  const other = [...tensors.keys()].find((name) => name !== headName && name !== biasName)
  if (other !== undefined)
    throw refused(
      'UNSUPPORTED_ADAPTER',
      `must hold ${headName} and ${biasName} alone, got ${JSON.stringify(other)}`,
    )
  if (tensors.has(biasName) && (await read(biasName, [1]))[0] !== 0)
    throw refused(
      'UNSUPPORTED_ADAPTER',
      `${biasName} must be 0, as biases are not implemented, got another number`,
    )
  const headed = addValueHead(backbone, adapter)
  parameterView(headed, valueHeadWeight).set(await read(headName, [1, backbone.sizes.hiddenSize]))
  return headed
}
