/** What is planned, beside what the kernel says of a run in a process of its own. More of them: bench/training-memory.mjs. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleScript, type BundledScript } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

test.skipIf(!linux).each<[string, number, Flags]>([
  ['images of 448x448', 448, {}],
  ['checkpointed, images of 672x672, of which most is activations', 672, { gradient_checkpointing: true }],
])(
  `what a run takes is within 15 percent of its plan: %s${linux ? '' : ' (skipped: only Linux tells the peak)'}`,
  async (_, side, flags) => {
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
    const ratio = (await plannedRun(given)).total.host / Number(stdout)
    expect(ratio).toBeGreaterThan(0.85)
    expect(ratio).toBeLessThan(1.15)
  },
)
