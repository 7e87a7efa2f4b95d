/** Qwen2-VL's tiny checkpoint, plain and with a backbone that says what other families need of the seam. */
import { join } from 'node:path'
import {
  architectures,
  loadVlm,
  type Backbone,
  type LoadVlmOptions,
  type Prompt,
  type Vlm,
} from '@evolmm/vlm'
import { expect, onTestFinished } from 'vitest'
import type { Vision } from '../../src/backbones/vision'
import { largestDifference } from './compare'
import { readReference } from './reference'

export const { folder, numbers } = await readReference('qwen2_vl-tiny')

/** Files of one process share it: nobody closes it. */
export const plain = await loadVlm(folder, { threads: 1 })

/** The model with parts of its backbone replaced, until the test has ended. */
export async function loadWith(
  change: (backbone: Backbone) => Partial<Backbone>,
  options: LoadVlmOptions = {},
): Promise<Vlm> {
  const changed = [...architectures].map(([type, architecture]) => {
    const open: typeof architecture.open = (json, file) => {
      const backbone = architecture.open(json, file)
      return { ...backbone, ...change(backbone) }
    }
    return [type, { ...architecture, open }] as const
  })
  const vlm = await loadVlm(folder, { threads: 1, architectures: new Map(changed), ...options })
  onTestFinished(() => vlm.dispose())
  return vlm
}

export function towerOf({ vision }: Backbone): Vision {
  if (vision === undefined) throw new Error('a model of text alone')
  return vision
}

export async function promptOf(vlm: Vlm, name: string): Promise<Prompt> {
  const { images, prompt, system } = numbers.cases.find((item) => item.name === name) ?? numbers.cases[0]
  const encoded = await Promise.all(images.map((file) => vlm.encodeImage(join(folder, 'images', file))))
  return vlm.prompt({ images: encoded, prompt, system: system ?? undefined })
}

/** Scores of two completions after the prompts of one image and of two, under the base and an adapter of the tower. */
export async function scores(vlm: Vlm): Promise<Float32Array[]> {
  const completions = numbers.cases.slice(0, 2).map((item) => ({ ids: Int32Array.from(item.completion_ids) }))
  const prompts = [await promptOf(vlm, 'c0'), await promptOf(vlm, 'c2')]
  const adapter = vlm.createAdapter({ rank: 2, vision: true, targets: ['q_proj', 'qkv'] })
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.02 * Math.sin(i)
  const groups = prompts.map((prompt) => ({ prompt, completions }))
  const base = await vlm.score({ groups })
  const policy = await vlm.gradient({ groups, adapter, beta: 0.1 })
  return [...base.completions, ...policy.completions.map((each) => each ?? [])]
    .flat()
    .map(({ logProbabilities }) => logProbabilities)
}

export function expectClose(got: readonly Float32Array[], want: readonly Float32Array[], bound = 1e-6): void {
  for (const [i, values] of want.entries())
    expect(largestDifference(got[i], values)).toBeLessThanOrEqual(bound)
}
