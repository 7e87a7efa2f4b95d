/** Weights of a run as a device holds them, in the words of `loadVlm`. */
import { checkObject } from '@evolmm/internal'
import type { EvolmmValues } from './settings/settings'

/** The type is float32 where a device lacks the one that is set, as released; `loadVlm` would refuse it there. */
export function heldWeights(settings: Pick<EvolmmValues, 'device' | 'dtype' | 'quantize'>): {
  dtype: EvolmmValues['dtype']
  quantize: 'int4' | undefined
} {
  checkObject('settings', settings)
  const { device, dtype, quantize } = settings
  const lacks = device === 'cpu' || (device === 'webgpu' && dtype === 'bfloat16')
  return { dtype: lacks ? 'float32' : dtype, quantize: quantize === 'none' ? undefined : quantize }
}
