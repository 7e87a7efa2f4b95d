/** The memory of a card is asked of the card that the run will take. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { memoryLimits } from '../src/index'

let bin: string
beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), 'evolmm-smi-'))
  const cards = ['0, GPU-a, 1000, NVIDIA H200', '1, GPU-b, 2000, NVIDIA H200']
  writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\ncat <<'END'\n${cards.join('\n')}\nEND\n`)
  chmodSync(join(bin, 'nvidia-smi'), 0o755)
})
afterAll(() => {
  rmSync(bin, { recursive: true })
})

test.each([
  ['cuda:1', undefined, 2000],
  ['cuda', undefined, 1000],
  ['auto', undefined, 1000],
  ['cuda', '1', 2000],
  ['cuda:1', '1,0', 1000],
  ['cuda:1', '1', undefined],
] as const)('device %s, CUDA_VISIBLE_DEVICES %s', async (device, visible, free) => {
  vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`)
  vi.stubEnv('CUDA_VISIBLE_DEVICES', visible)
  const limits = await memoryLimits({ settings: { memory_limit: null, device }, device: 'cuda' })
  expect(limits.device).toBe(free && free * 2 ** 20)
  const given = await memoryLimits({ settings: { memory_limit: 5, device }, device: 'cuda' })
  expect(given.device).toBe(5)
})
