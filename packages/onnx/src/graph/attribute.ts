/** Attributes of nodes, tagged as in the file: 1 the integer and 1 the float are different things. */
import type { Scope } from './graph'
import type { TensorData } from './tensor-data'

export type Attribute =
  | { type: 'int'; value: number | bigint }
  | { type: 'float'; value: number }
  | { type: 'string'; value: string }
  | { type: 'ints'; value: readonly (number | bigint)[] }
  | { type: 'floats'; value: readonly number[] }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'tensor'; value: TensorData }
  | { type: 'graph'; value: Scope }

export const int = (value: number | bigint): Attribute => ({ type: 'int', value })
export const float = (value: number): Attribute => ({ type: 'float', value })
export const string = (value: string): Attribute => ({ type: 'string', value })
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value })
export const body = (value: Scope): Attribute => ({ type: 'graph', value })
