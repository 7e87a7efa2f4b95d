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

export interface TrainingMemory {
  kinds: Record<MemoryKind, PlacedBytes>
  /** The peak in each phase. */
  phases: Record<MemoryPhase, PlacedBytes>
  /** The sum of the kinds, and the peak of the last phase. */
  total: PlacedBytes
  /** The parameters of both roles. */
  parameters: number
}
