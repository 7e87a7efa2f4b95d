// 1. Reading
export { openSafetensors, type SafetensorsSource } from './open-safetensors'
export { readSafetensors } from './read-safetensors'
export { readTensor, streamTensor, weightSource } from './read-tensor'
export {
  bytesPerValue,
  type FloatArray,
  type FloatType,
  isFloatTensor,
  type StoredTensor,
  type TensorType,
} from './stored-tensor'

// 2. Writing
export { writeSafetensors, type WeightSource, type WriteSafetensorsOptions } from './write-safetensors'
export { writeTensors, type TensorSource, type WriteTensorsOptions } from './write-tensors'

// 3. 16-bit floats
export { narrowHalf, widenHalf, type HalfType } from './half'

export { EvolmmError, type SafetensorsErrorCode } from './errors'
