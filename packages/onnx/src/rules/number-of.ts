/** Constants that rules can look into. */
import type { Tensor } from '../graph/graph'

/** The number in an inline constant of one element, or `undefined` if `x` is anything else. */
export function numberOf(x: Tensor): number | undefined {
  const { data } = x
  if (data === undefined || !('bytes' in data) || data.dims.some((dim) => dim !== 1)) return undefined
  const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength)
  switch (data.dtype) {
    case 'float32':
      return view.getFloat32(0, true)
    case 'float64':
      return view.getFloat64(0, true)
    case 'bool':
      return view.getUint8(0)
    case 'int32':
      return view.getInt32(0, true)
    case 'int64':
      return Number(view.getBigInt64(0, true))
    default:
      return undefined
  }
}
