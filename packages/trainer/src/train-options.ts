/** What a run on disk can be told. */
import type { DatasetOptions } from '@evolmm/dataset'
import type { Tracker } from '@evolmm/runs'
import type { Adapter, LoadVlmOptions, SaveOptions, Vlm } from '@evolmm/vlm'
import type { EvolmmGiven } from './settings/settings'
import type { IterationRecord } from './record'

export interface TrainOptions {
  /** Folder of the run, where everything of it lies. */
  folder: string
  /** @default the folder's name */
  name?: string
  solver: RoleOptions
  proposer: RoleOptions
  /** Options by which the models are opened. */
  load?: LoadVlmOptions
  data: DatasetOptions
  /** The loop's own settings. */
  evolve?: EvolmmGiven
  /** A checkpoint every so many iterations, and one at the end; 0 for none but that. @default 50 */
  saveEvery?: number
  /** Complete checkpoints that are kept. @default 2 */
  maxCheckpoints?: number
  /** @default 'current' */
  adapterLayout?: SaveOptions['layout']
  /**
   * The run begins at the newest complete checkpoint of the folder, at a given one, or at the start. @default 'auto'
   */
  resume?: 'auto' | 'never' | { checkpoint: string }
  /** The whole configuration, for the records. @default what of these options is learned from */
  config?: Readonly<Record<string, unknown>>
  /** The part of it that what is learned depends on: a resumed run must have the same. @default config */
  identity?: Readonly<Record<string, unknown>>
  /** Reads a stored identity as it would be stored today. @default as it is */
  readIdentity?: (stored: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
  /** The version of evolmm, for the records. @default none */
  version?: string | null
  /** Trackers besides the log of iterations, which every run has. @default none */
  trackers?: readonly Tracker<IterationRecord>[]
  probe?: Probe
  /** Saves, and ends the run before the next iteration. */
  signal?: AbortSignal
  onRecord?: (record: IterationRecord) => void
  onCheckpoint?: (folder: string) => void
  /** @default a Node process warning */
  onWarning?: (message: string) => void
}

export interface RoleOptions {
  /** Folder or hub id; the backbone is shared when both roles have the same. */
  model: string
  /** @default all weights are trained */
  lora?: { rank: number; alpha: number; dropout: number; targets: readonly string[] }
  /** True trains the vision tower's modules or weights too. @default false */
  vision?: boolean
  /** An adapter to begin with: folder or hub id, or a checkpoint, whose subfolder for the role is taken. */
  adapter?: string
}

/** A small evaluation before the first iteration, every so many, and after the last: named numbers. */
export interface Probe {
  /** 0 for none in between. */
  every: number
  run: (policy: { vlm: Vlm; adapter: Adapter }) => Promise<Record<string, number>>
}
