/** What PyTorch computed for the tiny checkpoint; see `fixtures/qwen2_5_vl-tiny/reference.json`. */
import { join } from 'node:path'
import type { Grid } from '../../src/backbones/parts/patch-grid'
import { readFixture } from '../prompt-checkpoint'
import { floats, readRaw, take, tinyFolder } from './safetensors'

interface ReferenceCase {
  name: string
  images: readonly string[]
  prompt: string
  system: string | null
  prompt_ids: readonly number[]
  completion_ids: readonly number[]
  completion_logprobs: readonly number[]
  greedy_ids: readonly number[]
}

interface AdaptedCase {
  advantage: number
  beta: number
  ce: number
  kl: number
  loss: number
  token_logprobs: readonly number[]
}

interface ReferenceNumbers {
  cases: readonly ReferenceCase[]
  images: readonly { file: string; grid_thw: Grid }[]
  lora: {
    r: number
    alpha: number
    targets: readonly string[]
    /** Of the cases in order. */
    losses: readonly AdaptedCase[]
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

export const reference = readFixture('qwen2_5_vl-tiny/reference.json') as ReferenceNumbers

const tensors = await readRaw(join(tinyFolder, 'reference.safetensors'))

/** The float32 tensor of that name. */
export function referenceTensor(name: string): Float32Array {
  return floats(take(tensors, name).data)
}

/** The tensor of an adapter, by its name in a layout: `lora`, `grad.CASE` or `after3`. */
export function adapterTensor(kind: string, name: string): Float32Array {
  return referenceTensor(`${kind}.${name.replace(/\.lora_([AB])\.weight$/, '.$1')}`)
}
