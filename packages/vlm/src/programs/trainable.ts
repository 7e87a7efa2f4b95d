/** What is trained: LoRA on some modules, some weights as a whole, or both, as one flat vector. */
import { parameterLayout, type ParameterLayout } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'

export interface Trainable {
  layout: ParameterLayout
  /** Adapted modules by canonical name. */
  lora: ReadonlyMap<string, LoraModule>
  /** Weights trained as a whole, by canonical name. */
  full: ReadonlySet<string>
  /** Some of it belongs to the vision tower, so that gradients must flow through it. */
  vision: boolean
}

export interface LoraModule {
  rank: number
  alpha: number
}

/** Names of the two factors of a module in the layout. */
export const loraA = (module: string): string => `${module}.lora_A.weight`
export const loraB = (module: string): string => `${module}.lora_B.weight`

/** The name of the value head in the layout, [1, D]: that of transformers for a head that scores tokens. */
export const valueHeadWeight = 'score.weight'

/** True if a value head is part of what is trained, in the place of the model's own head. */
export function hasValueHead({ layout }: Trainable): boolean {
  return layout.entries.some(({ name }) => name === valueHeadWeight)
}

/** The layout of a trainable set, in the order of the model. */
export function trainable(
  { modules, weights, isVision }: Pick<Backbone, 'modules' | 'weights' | 'isVision'>,
  lora: ReadonlyMap<string, LoraModule>,
  full: ReadonlySet<string> = new Set(),
): Trainable {
  const shapes: [string, readonly number[]][] = []
  for (const [module, [out, inner]] of modules) {
    const rank = lora.get(module)?.rank
    if (rank !== undefined) shapes.push([loraA(module), [rank, inner]], [loraB(module), [out, rank]])
  }
  for (const [name, shape] of weights) if (full.has(name)) shapes.push([name, shape])
  const vision = [...lora.keys(), ...full].some(isVision)
  return { layout: parameterLayout(shapes), lora, full, vision }
}
