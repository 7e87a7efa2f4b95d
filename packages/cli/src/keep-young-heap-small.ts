import { setFlagsFromString } from 'node:v8'

/**
 * The young generation of JavaScript's heap stays at the megabyte that it begins with. While graphs are built it would grow to 48
 * and stay, beside a runtime whose memory is what counts. A flag at the start of the process does as much, but a command
 * cannot give itself one.
 */
export function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
