/** One function for each kind of attribute, which makes it from a value. */
import type { Attribute, Scope } from './graph'

export type { Attribute }

export const int = (value: number | bigint): Attribute => ({ type: 'int', value })
export const float = (value: number): Attribute => ({ type: 'float', value })
export const string = (value: string): Attribute => ({ type: 'string', value })
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value })
export const body = (value: Scope): Attribute => ({ type: 'graph', value })
