/** The number of elements of a shape; 1 for that of a scalar. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}
