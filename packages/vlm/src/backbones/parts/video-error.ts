import { EvolmmError } from '@evolmm/internal'

/** Video is not supported: its tokens are refused wherever they are met. */
export function videoError(): EvolmmError {
  return new EvolmmError(
    'VIDEO_UNSUPPORTED',
    'prompt: must hold text and images only, got a video token; take the video out',
  )
}
