/** What is planned, beside what the kernel says of a run in a process of its own. More of them: bench/training-memory.mjs. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleScript, drawn, sizedTest, type BundledScript } from '@evolmm/internal/testing'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { plannedRun, type Flags } from './support/measured-run'
import { noiseImages } from './support/noise-images'

const linux = process.platform === 'linux'
let script: BundledScript
let folder: string
beforeAll(async () => {
  script = await bundleScript(new URL('support/measured-main.ts', import.meta.url))
  folder = mkdtempSync(join(tmpdir(), 'evolmm-measured-'))
})
afterAll(() => {
  script.remove()
  rmSync(folder, { recursive: true })
})

const runs: [string, number, Flags][] = [
  ['images of 448x448', 448, {}],
  ['checkpointed, images of 672x672, of which most is activations', 672, { gradient_checkpointing: true }],
]

describe.skipIf(!linux)(`on Linux${linux ? '' : ' (skipped: only it tells the peak)'}`, () => {
  sizedTest('what a run takes is within 15 percent of its plan', { runs: [1, 2, 2] }, async (sized) => {
    for (const [title, side, flags] of drawn(runs, sized)) {
      const ratio = await plannedByMeasured(side, flags)
      expect(ratio, title).toBeGreaterThan(0.85)
      expect(ratio, title).toBeLessThan(1.15)
    }
  })
})

async function plannedByMeasured(side: number, flags: Flags): Promise<number> {
  const data = join(folder, String(side))
  await noiseImages(data, { width: side, height: side, count: 3 })
  const given: Flags = {
    solver_model: fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url)),
    ...{ data_dir: data, output_dir: join(folder, 'runs'), run_name: String(side) },
    ...{ use_lora_solver: true, use_lora_proposer: true, device: 'cpu', threads: '2' },
    ...{ total_steps: '3', proposer_update_freq: '2', max_new_tokens_solver: '48' },
    // The tiny checkpoint writes none that is well-formed.
    ...{ max_new_tokens_proposer: '48', skip_malformed: false, ...flags },
  }
  const { stdout } = await promisify(execFile)(process.execPath, [script.file, JSON.stringify(given)])
  return (await plannedRun(given)).total.host / Number(stdout)
}
