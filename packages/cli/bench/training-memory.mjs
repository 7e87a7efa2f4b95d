/**
 * Planned memory of whole runs beside the peak that the kernel measured: pnpm bench:training-memory [MODEL] [CASE]
 *
 * Each case is a run of `evolmm train` in a process of its own, with updates of both roles, checkpoints and the report,
 * on the tiny checkpoint and on a random model of 38 million parameters; beside it what `evolmm plan` says of the same
 * flags. It fails when a plan is more than 15 % off. Linux only.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomModel } from '../../vlm/bench/random-model.mjs'
import { measuredRun, plannedRun } from '../test/support/measured-run'
import { noiseImages } from '../test/support/noise-images'

const base = {
  device: 'cpu',
  threads: '2',
  use_lora_solver: true,
  use_lora_proposer: true,
  total_steps: '4',
  save_every: '2',
  proposer_update_freq: '2',
  max_new_tokens_solver: '48',
  max_new_tokens_proposer: '48',
  // Random weights write none that is well-formed.
  skip_malformed: false,
}
const all = { use_lora_solver: false, use_lora_proposer: false }
const cases = {
  LoRA: {},
  'LoRA, checkpointed': { gradient_checkpointing: true },
  'LoRA, three images': { batch_size: '3' },
  'LoRA, three images, checkpointed': { batch_size: '3', gradient_checkpointing: true },
  'LoRA, twelve answers': { num_solver_samples: '12' },
  'LoRA, answers of 128 tokens': { max_new_tokens_solver: '128', max_new_tokens_proposer: '128' },
  'LoRA, larger images': { size: [784, 784] },
  'LoRA of rank 128': { lora_r: '128' },
  // Without a divergence, answers that are all invalid are no reason to run anything.
  'LoRA, no divergence': { kl_control: 'fixed', kl_coef: '0', untagged_answers: 'last-line' },
  'LoRA, the solver alone learns': { proposer_update_freq: '0' },
  'LoRA, one answer after the other': { solver_update: 'sequential' },
  'LoRA, the tower too': { freeze_vision: false },
  'LoRA, two models': { proposer_model: 'tiny' },
  'all weights of the solver': { use_lora_solver: false },
  'all weights': all,
  'all weights, checkpointed': { ...all, gradient_checkpointing: true },
}

if (process.argv[2] === 'run') {
  console.log(await measuredRun(JSON.parse(process.argv[3])))
  process.exit(0)
}
const only = process.argv.slice(2)
const root = mkdtempSync(join(tmpdir(), 'evolmm-memory-'))
const shape = JSON.parse(readFileSync('packages/vlm/bench/bench-small.json', 'utf8'))
const bench = (await randomModel(shape)).folder
const models = { tiny: 'packages/vlm/test/fixtures/qwen2_5_vl-tiny', '38 million': bench }
const mb = (bytes) => (bytes / 1e6).toFixed(0)
let failed = false
for (const [name, model] of Object.entries(models))
  for (const [title, { size: [width, height] = [448, 336], ...changes }] of Object.entries(cases)) {
    if (only.some((each) => each !== name && each !== title)) continue
    const data = join(root, `${width}x${height}`)
    await noiseImages(data, { width, height, count: 4 })
    const flags = { ...base, ...changes, solver_model: model, data_dir: data }
    const other =
      flags.proposer_model === undefined ? {} : { proposer_model: name === 'tiny' ? bench : models.tiny }
    const output = mkdtempSync(join(root, 'run-'))
    const given = { ...flags, ...other, output_dir: output }
    const { total, kinds } = await plannedRun(given)
    const printed = execFileSync(
      process.execPath,
      [fileURLToPath(import.meta.url), 'run', JSON.stringify(given)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    )
    rmSync(output, { recursive: true })
    const measured = Number(printed)
    const ratio = total.host / measured
    failed ||= !(Math.abs(ratio - 1) <= 0.15)
    console.log(`| ${name}, ${title} | ${mb(measured)} | ${mb(total.host)} | ${ratio.toFixed(2)} |`)
    const parts = Object.entries(kinds).map(([kind, { host }]) => `${kind} ${mb(host)}`)
    console.error(`  ${parts.join(', ')}`)
  }
rmSync(root, { recursive: true })
rmSync(dirname(bench), { recursive: true })
process.exit(failed ? 1 : 0)
