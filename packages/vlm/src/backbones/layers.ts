/**
 * The seam between backbones and programs. A backbone says which operations its architecture is made of; what a module
 * does (frozen, adapted, trained), how attention finds its keys, and whether a block is computed again in the backward
 * pass, is up to the program that is being built.
 */
import type { AttentionOptions, Graph, Tensor } from '@evolmm/onnx'

export interface Layers {
  graph: Graph
  /** A tensor of the checkpoint by its canonical name, in float32. */
  weight: (name: string) => Tensor
  /** Rows of a table of the checkpoint, in float32: [ids, D]. */
  rows: (ids: Tensor, name: string) => Tensor
  /**
   * `x W^T + bias`, [rows, in] to [rows, out], with whatever is attached to the module. Its weight may have another name
   * than the module's (a tied head).
   */
  linear: (x: Tensor, module: string, weight?: string) => Tensor
  /** Attention among rows that may be very many: their scores are never there all at once. */
  attendMany: (options: Omit<AttentionOptions, 'chunk'>) => Tensor
  /** Runs what makes rows, each of the same row of all inputs: of many rows some at a time, where no gradient is taken. */
  rowwise: (run: (...rows: Tensor[]) => Tensor[], inputs: readonly Tensor[]) => Tensor[]
  /** Rows of a tower, and queries of its attention, to work on at a time. @default all of them */
  atATime?: { rows: number; queries: number } | undefined
  /** Runs a block of the network, [rows, D] to [rows, D]. */
  block: (run: (x: Tensor) => Tensor, x: Tensor) => Tensor
}

/** What attention is asked with, rows as in the hidden states and after rotary embedding. */
export interface Heads {
  /** [rows, heads headSize] */
  q: Tensor
  /** [rows, keyValueHeads headSize] */
  k: Tensor
  /** [rows, keyValueHeads headSize] */
  v: Tensor
  heads: number
  keyValueHeads: number
  headSize: number
  /** What scores are multiplied with. @default 1 / sqrt(headSize) */
  scale?: number
}

/** What a token sees in a layer besides being causal. */
export interface MaskKind {
  /** The number of latest tokens that a token sees, itself included. @default all */
  window?: number
  /** True lets a token of an image see all of that image, later tokens and those beyond the window too. @default false */
  wholeImages?: boolean
}

/** Mixed values, [rows, heads headSize]. `layer` counts the layers that attend to tokens, from 0. */
export type Attend = (layer: number, heads: Heads) => Tensor

/** What attention to image features is asked with. */
export interface CrossHeads {
  /** [rows, heads headSize] */
  q: Tensor
  /** Gives the keys and values of features [N, featureSize], [N, keyValueHeads headSize] each; called once for a layer. */
  keysValues: (features: Tensor) => readonly [k: Tensor, v: Tensor]
  heads: number
  keyValueHeads: number
  headSize: number
  /** What scores are multiplied with. @default 1 / sqrt(headSize) */
  scale?: number
}

/** Attention of rows to the features of their own prompt's images. */
export interface CrossAttention {
  /** Mixed values, [rows, heads headSize]; zeros in rows whose prompt has no image. `layer` tells layers apart. */
  attend: (layer: number, heads: CrossHeads) => Tensor
  /** 1 for rows whose prompt has an image, else 0, [rows, 1]. */
  there: Tensor
}

/** Image features and where they go. */
export interface ImageRows {
  /** [tokens, featureSize] */
  features: Tensor
  /** The row of each of them, int64 [tokens]. */
  rows: Tensor
}
