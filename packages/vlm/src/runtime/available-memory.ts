/** Available memory is what a device has left for this process. */
import { execFile } from 'node:child_process'
import { freemem } from 'node:os'
import type { Device } from './provider-status'

/** What this process has, and what it may yet take: the system's, or a container's. */
export function systemMemory(): number {
  return Math.min(freemem() + process.memoryUsage.rss(), process.constrainedMemory() || Infinity)
}

/** Bytes; `undefined` where the device does not say. `run` starts a command and gives its output. */
export async function availableMemory(
  device: Device,
  run: (file: string, args: readonly string[]) => Promise<string> = command,
): Promise<number | undefined> {
  if (device === 'cpu') return systemMemory()
  if (device === 'webgpu') return undefined
  // Part of NVIDIA's driver, in MiB; the runtime takes the first card.
  const query = ['--query-gpu=memory.free', '--format=csv,noheader,nounits', '--id=0']
  const text = await run('nvidia-smi', query).catch(() => '')
  const free = Number(text.trim().split('\n')[0])
  return text.trim() !== '' && Number.isFinite(free) && free > 0 ? free * 2 ** 20 : undefined
}

function command(file: string, args: readonly string[]): Promise<string> {
  return new Promise((settle, refuse) => {
    execFile(file, args, { timeout: 10_000 }, (error, output) => {
      if (error) refuse(new Error(error.message))
      else settle(output)
    })
  })
}
