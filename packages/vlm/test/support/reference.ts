/** What PyTorch computed for a tiny checkpoint; see `fixtures/qwen2_5_vl-tiny/reference.json`. */
import { join } from 'node:path'
import { readFixture } from '../prompt-checkpoint'
import { floats, readRaw, take, type RawTensor } from './safetensors'

interface ReferenceCase {
  name: string
  images: readonly string[]
  prompt: string
  system: string | null
  chat_text: string
  prompt_ids: readonly number[]
  position_ids: readonly (readonly number[])[]
  completion_ids: readonly number[]
  completion_logprobs: readonly number[]
  greedy_ids: readonly number[]
  /** The first tokens of these that no rounding changes. */
  greedy_sure: number
}

interface AdaptedCase {
  advantage: number
  beta: number
  ce: number
  kl: number
  loss: number
  token_logprobs: readonly number[]
}

interface Tiling {
  /** Those of the fixture's processor, or of the published ones. */
  parameters: 'here' | 'published'
  width: number
  height: number
  /** Fields of the layout, one of them or more. */
  grid_thw: readonly number[]
}

export interface ReferenceNumbers {
  cases: readonly ReferenceCase[]
  images: readonly { file: string; grid_thw: readonly number[] }[]
  /** The tilings, where the fixture has them. */
  tilings?: readonly Tiling[]
  stop_ids?: readonly number[]
  lora: {
    r: number
    alpha: number
    targets: readonly string[]
    /** Those of the cases in order. */
    losses: readonly AdaptedCase[]
    /** LoRA on every linear layer of the tower and none on the text, where the fixture has it. */
    vision?: AdaptedCase & { case: string }
    adamw: {
      lr: number
      weight_decay: number
      betas: readonly [number, number]
      eps: number
      clip: number
      steps: readonly { case: string; loss: number; grad_norm: number }[]
    }
  }
}

export interface Reference {
  /** The folder of the checkpoint. */
  folder: string
  numbers: ReferenceNumbers
  /** The values of that name as they are in the file. */
  raw: (name: string) => RawTensor
  /** The float32 tensor of that name. */
  tensor: (name: string) => Float32Array
  /** The tensor of an adapter, by its name in a layout: `lora`, `grad.CASE` or `after3`. */
  adapterTensor: (kind: string, name: string) => Float32Array
  /** The modules that an adapter of that kind is for. */
  adapted: (kind: string) => string[]
}

export async function readReference(fixture: string): Promise<Reference> {
  const folder = join(import.meta.dirname, '../fixtures', fixture)
  const tensors = await readRaw(join(folder, 'reference.safetensors'))
  const tensor = (name: string) => floats(take(tensors, name).data)
  return {
    folder,
    numbers: readFixture(`${fixture}/reference.json`) as ReferenceNumbers,
    raw: (name) => take(tensors, name),
    tensor,
    adapterTensor: (kind, name) => tensor(`${kind}.${name.replace(/\.lora_([AB])\.weight$/, '.$1')}`),
    adapted: (kind) =>
      [...tensors.keys()].flatMap((name) =>
        name.startsWith(`${kind}.`) && name.endsWith('.A') ? name.slice(kind.length + 1, -2) : [],
      ),
  }
}

const tiny = await readReference('qwen2_5_vl-tiny')
export const { numbers: reference, tensor: referenceTensor, adapterTensor } = tiny
