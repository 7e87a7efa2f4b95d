import type { Adapter } from '@evolmm/vlm'

/** An adapter with these parameters, of which nobody asks anything else. */
export function someAdapter(...parameters: number[]): Adapter {
  return {
    parameters: Float32Array.from(parameters),
    trainable: {
      layout: { entries: [], size: parameters.length },
      lora: new Map(),
      full: new Set(),
      vision: false,
    },
    dropout: 0,
    matched: [],
    unmatched: [],
  }
}
