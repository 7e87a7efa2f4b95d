/** Values of a weight on their way into a file. */
export interface WeightSource {
  name: string
  shape: readonly number[]
  /** All values in row-major order, or a function that gives them in pieces when the weight's turn has come. */
  values: Float32Array | (() => Iterable<Float32Array> | AsyncIterable<Float32Array>)
}
