/** The tiny checkpoint as a user loads it, with the reference's prompts and adapters. */
import { join } from 'node:path'
import { loadVlm, type Adapter, type Gradient, type Prompt, type Vlm } from '@evolmm/vlm'
import { adapterTensor, reference } from './reference'
import { tinyFolder } from './safetensors'

export type CaseName = 'c0' | 'c1' | 'c2' | 'c3'

/** Files of one process share it and the programs that it has opened: nobody closes it. */
export const vlm = await loadVlm(tinyFolder, { threads: 1 })

export function referenceCase(name: CaseName) {
  const index = reference.cases.findIndex((each) => each.name === name)
  return { ...reference.cases[index], ...reference.lora.losses[index] }
}

export async function casePrompt(model: Vlm, name: CaseName): Promise<Prompt> {
  const { images, prompt, system } = referenceCase(name)
  const encoded = await Promise.all(images.map((file) => model.encodeImage(join(tinyFolder, 'images', file))))
  return model.prompt({ images: encoded, prompt, system: system ?? undefined })
}

/** The completion of that case. */
export const completionOf = (name: CaseName) => ({ ids: Int32Array.from(referenceCase(name).completion_ids) })

/** The reference's adapters, on language and vision blocks, as they were before the first step. */
export function referenceAdapter(model: Vlm): Adapter {
  const { r: rank, alpha, targets } = reference.lora
  const adapter = model.createAdapter({ rank, alpha, targets, vision: true })
  for (const [name, values] of partsOf(adapter, adapter.parameters)) values.set(adapterTensor('lora', name))
  return adapter
}

/** The part of a flat vector that belongs to each tensor. */
export function partsOf({ trainable }: Adapter, flat: Float32Array): [string, Float32Array][] {
  return trainable.layout.entries.map(({ name, offset, shape }) => {
    const count = shape.reduce((product, size) => product * size, 1)
    return [name, flat.subarray(offset, offset + count)]
  })
}

/** Gradients added up with a factor for each. */
export function weighted(parts: readonly (readonly [number, Pick<Gradient, 'gradient'>])[]): Float64Array {
  const sum = new Float64Array(parts[0][1].gradient.length)
  for (const [factor, { gradient }] of parts)
    for (const [i, value] of gradient.entries()) sum[i] += factor * value
  return sum
}
