/** The version of ONNX Runtime that programs run on. */
import { env } from './onnxruntime'

export function runtimeVersion(): string {
  return env.versions.node ?? env.versions.common
}
