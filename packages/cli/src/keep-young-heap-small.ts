import { setFlagsFromString } from 'node:v8'

/**
 * The young generation of JavaScript's heap stays as it is, a few megabytes. While graphs are built it would grow to 32 and stay,
 * beside a runtime whose memory is what counts. A flag at the start of the process does as much, but a command cannot give
 * itself one.
 */
export function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
