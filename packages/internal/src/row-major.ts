/** An array with strides, as ndarray has them. */
export interface Strided<Data> {
  data: Data
  shape: readonly number[]
  /** Elements from one place of an axis to the next. */
  stride: readonly number[]
  /** The place of the first element. */
  offset: number
}

/** The elements of an array in row-major order: its own memory where they lie there so, else a copy. */
export function rowMajor<Data extends Float32Array | Uint8Array>(array: Strided<Data>): Data {
  const { data, shape, stride, offset } = array
  const size = shape.reduce((product, length) => product * length, 1)
  let step = 1
  const lies = shape.reduceRight((whole, length, axis) => {
    const fits = length === 1 || stride[axis] === step
    step *= length
    return whole && fits
  }, true)
  if (lies || size === 0) return data.subarray(offset, offset + size) as Data
  const copy = data.slice(0, size) as Data
  const places = shape.map(() => 0)
  for (let at = 0; at < size; at++) {
    copy[at] = data[places.reduce((sum, place, axis) => sum + place * stride[axis], offset)]
    for (let axis = shape.length - 1; axis >= 0 && ++places[axis] === shape[axis]; axis--) places[axis] = 0
  }
  return copy
}
