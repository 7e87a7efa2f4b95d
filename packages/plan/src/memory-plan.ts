/** What advice, checks and reports ask of a plan, whatever its method. */
import type { DeviceChoice, PlanProgramsOptions } from '@evolmm/vlm'
import type { MemoryPhase, TrainingMemory } from './memory'

/** A run's memory as a function of its settings, whose values are `V`, by phases `P`. */
export interface MemoryPlan<V extends object, P extends string> {
  /** The model that is trained, as the settings name it. */
  model: string
  device: DeviceChoice['device']
  /** The type of the weights on that device. */
  dtype: NonNullable<PlanProgramsOptions['dtype']>
  quantize: 'none' | 'int4'
  /** The setting that says of how many images or answers a gradient is, and what it may be at most. */
  batch: { setting: keyof V & string; most: number }
  /** The estimate with other settings, if any are given. Throws `INVALID_OPTION` or `NO_MATCH`. */
  estimate: (image: PlannedImage, changes?: Partial<V>) => PlannedMemory<P>
  /** Changes of settings that take memory from the run, each in steps from small to large; what costs least comes first. */
  remedies: (image: PlannedImage) => Changes<V>[][]
  /** The patches of an image of that size. Throws `IMAGE_TOO_NARROW`. */
  patches: (size: { width: number; height: number }) => number
  /** What programs are built from, with what their names begin with where there are several models or adapters. */
  programs: readonly { of: string; options: PlanProgramsOptions }[]
}

export type Changes<V extends object> = Readonly<Partial<V>>

export interface PlannedMemory<P extends string = MemoryPhase> extends TrainingMemory<P> {
  /** Patches of the largest image. */
  imagePatches: number
  /** Tokens of the longest prompt, of each role if there are several. */
  promptTokens: Readonly<Record<string, number>>
}

export interface PlannedImage {
  /** The size of the largest image, in pixels. */
  width: number
  height: number
  /** The number of images of the data set, where it is known. */
  count?: number | undefined
}
