/** The state of a method as a checkpoint holds it. */
import type { FloatArray } from '@evolmm/safetensors'

/** What a method gives to be saved. */
export interface SavedState {
  /** Everything small, as JSON, beside the keys of `CheckpointHead`. */
  data: Readonly<Record<string, unknown>>
  /** Vectors; each is one tensor in `optimizer.safetensors`. */
  tensors: Readonly<Record<string, Float32Array>>
  /** Folders by name that the method writes itself, such as an adapter that other tools load. */
  folders?: Readonly<Record<string, (folder: string) => Promise<void>>>
}

/** What every `trainer_state.json` has, whatever else its method put there. */
export interface CheckpointHead {
  schema_version: number
  step: number
  /** The time of saving, ISO 8601. */
  saved: string
  /** The settings that what is learned depends on: a run goes on with the same ones. */
  identity: Readonly<Record<string, unknown>>
}

/** What a method gets to go on from. */
export interface Checkpoint extends CheckpointHead {
  folder: string
  data: Readonly<Record<string, unknown>>
  tensors: ReadonlyMap<string, FloatArray>
}

export const stateFile = 'trainer_state.json'
export const tensorFile = 'optimizer.safetensors'
export const schemaVersion = 1
