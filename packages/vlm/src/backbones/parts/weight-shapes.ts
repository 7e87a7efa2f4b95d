/** Tables of weights and modules. */

export type WeightShape = readonly [name: string, shape: readonly number[]]

/** The matrix [out, in] of a linear module, and its bias. */
export function linearWeights(
  module: string,
  [out, inputs]: readonly [number, number],
  bias: boolean,
): WeightShape[] {
  return [[`${module}.weight`, [out, inputs]], ...(bias ? ([[`${module}.bias`, [out]]] as const) : [])]
}

/** The linear modules among weights, to which adapters can attach: every matrix but `embeddingWeight`. */
export function linearModules(
  weights: Iterable<WeightShape>,
  embeddingWeight: string,
): Map<string, readonly [number, number]> {
  const matrices = [...weights].filter(([name, shape]) => shape.length === 2 && name !== embeddingWeight)
  return new Map(matrices.map(([name, [out, inputs]]) => [name.replace(/\.weight$/, ''), [out, inputs]]))
}

/**
 * The values are those with which transformers initialises most models: matrices are drawn, biases are 0, norms 1.
 */
export function usualInitialValue(name: string, shape: readonly number[]): 'normal' | number {
  return shape.length > 1 ? 'normal' : name.endsWith('.bias') ? 0 : 1
}
