/** Checkpoints over 4 GiB: no memory is taken but that of the vectors themselves. */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { bundleScript, sizedTest, temporaryFolder } from '@evolmm/internal/testing'
import { expect } from 'vitest'

sizedTest('a checkpoint is saved and read exactly', { megabytes: [100, 100, 9000] }, async ({ count }) => {
  const script = await bundleScript(new URL('support/large-checkpoint.ts', import.meta.url))
  try {
    const folder = temporaryFolder()
    const output = execFileSync(process.execPath, [script.file, folder, String(count)]).toString()
    expect(statSync(join(folder, 'step_00007', 'optimizer.safetensors')).size).toBeGreaterThan(count * 1e6)
    const { ends, last, written, read } = JSON.parse(output) as Record<
      'last' | 'written' | 'read',
      number
    > & {
      ends: number[][]
    }
    expect(ends).toEqual([
      [-1, 2, last],
      [3, 4, last],
    ])
    expect(written).toBeLessThan(150e6)
    expect(read).toBeLessThan(count * 1e6 + 200e6)
  } finally {
    script.remove()
  }
})
