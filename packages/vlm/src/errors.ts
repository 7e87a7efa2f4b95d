import type { HubErrorCode } from '@evolmm/hub'
import { errorWith, type OutputErrorCode } from '@evolmm/internal'
import type { OnnxErrorCode } from '@evolmm/onnx'
import type { SafetensorsErrorCode } from '@evolmm/safetensors'

/** What can be wrong with a model and its files, a device, what is asked of them, and what lies below. */
export type VlmErrorCode =
  | HubErrorCode
  | OnnxErrorCode
  | OutputErrorCode
  | SafetensorsErrorCode
  | 'CHAT_TEMPLATE_FAILED'
  | 'CHAT_TEMPLATE_INVALID'
  | 'CHAT_TEMPLATE_NOT_FOUND'
  | 'CHECKPOINT_CHANGED'
  | 'CHECKPOINT_FILE_DAMAGED'
  | 'CHECKPOINT_FILE_NOT_FOUND'
  | 'DEVICE_FAILED'
  | 'DEVICE_UNAVAILABLE'
  | 'IMAGES_UNSUPPORTED'
  | 'IMAGE_COUNT_MISMATCH'
  | 'IMAGE_SIZE_UNSUPPORTED'
  | 'IMAGE_TOKENS_MISMATCH'
  | 'IMAGE_TOO_NARROW'
  | 'IMAGE_UNREADABLE'
  | 'INVALID_ADAPTER'
  | 'INVALID_CHECKPOINT'
  | 'INVALID_CONFIG'
  | 'INVALID_PROMPT'
  | 'MEMORY_EXCEEDED'
  | 'MODEL_DISPOSED'
  | 'NOT_FINITE'
  | 'NO_MATCH'
  | 'NO_SPACE'
  | 'PROMPT_TOO_LONG'
  | 'STOP_TOKEN_NOT_FOUND'
  | 'TOKENIZER_MISMATCH'
  | 'TOO_MANY_PARAMETERS'
  | 'UNSUPPORTED_ADAPTER'
  | 'UNSUPPORTED_DTYPE'
  | 'UNSUPPORTED_MODEL'
  | 'VIDEO_UNSUPPORTED'
  | 'WEIGHTS_QUANTIZED'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<VlmErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
