/** Memory of a run: where it is, what it is for, and when. */

/** Bytes of memory in one place, by what holds them. */
export interface PlacedBytes {
  /** Bytes on the GPU; 0 on the CPU. */
  device: number
  host: number
}

export const memoryKinds = [
  'runtime',
  'weights',
  'adapters',
  'gradient',
  'optimizer',
  'images',
  'promptCache',
  'activations',
  'lossBuffers',
] as const
export type MemoryKind = (typeof memoryKinds)[number]

export const memoryPhases = ['load', 'encode', 'propose', 'solve', 'learn', 'update'] as const
export type MemoryPhase = (typeof memoryPhases)[number]

/** The phases of a cycle of M-STaR. */
export const mstarPhases = ['load', 'generate', 'score', 'learn', 'update'] as const
export type MstarPhase = (typeof mstarPhases)[number]

export interface TrainingMemory<P extends string = MemoryPhase> {
  kinds: Record<MemoryKind, PlacedBytes>
  /** The peak in each phase. */
  phases: Record<P, PlacedBytes>
  /** The sum of the kinds, and the peak of the last phase. */
  total: PlacedBytes
  /** Trained parameters; of EvoLMM those of both roles. */
  parameters: number
}

export function addPlaces(...places: readonly PlacedBytes[]): PlacedBytes {
  return {
    device: places.reduce((sum, { device }) => sum + device, 0),
    host: places.reduce((sum, { host }) => sum + host, 0),
  }
}

/** The peaks of phases that follow one another, from what each needs besides: no arena of the runtime shrinks. */
export function peaksOf<P extends string>(
  names: readonly P[],
  steps: Record<P, PlacedBytes>,
): Record<P, PlacedBytes> {
  let peak: PlacedBytes = { device: 0, host: 0 }
  return Object.fromEntries(names.map((name) => [name, (peak = addPlaces(peak, steps[name]))])) as Record<
    P,
    PlacedBytes
  >
}
