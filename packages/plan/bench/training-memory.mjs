/**
 * Planned memory of whole runs beside the peak that the kernel measured: pnpm bench:training-memory [MODEL] [CASE]
 *
 * Each case is a run of `evolmm train` in a process of its own, with updates of both roles, checkpoints and the report,
 * on the tiny checkpoint and on a random model of 38 million parameters; beside it what `evolmm plan` says of the same
 * flags. It fails when a plan is more than 10 % off. Linux only.
 *
 * The flags are in `training-memory.json`. Random weights write no question that is well-formed, so `skip_malformed` is
 * off; without a divergence, answers that are all invalid, or all worth the same, would be no reason to run anything, so they
 * are untagged there and have rewards that differ.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomModel } from '../../vlm/bench/random-model.mjs'
import { measuredRun, plannedRun } from '../test/support/measured-run'
import { noiseImages } from '../test/support/noise-images'
import { base, cases } from './training-memory.json'

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
    failed ||= !(Math.abs(ratio - 1) <= 0.1)
    console.log(`| ${name}, ${title} | ${mb(measured)} | ${mb(total.host)} | ${ratio.toFixed(2)} |`)
    const parts = Object.entries(kinds).map(([kind, { host }]) => `${kind} ${mb(host)}`)
    console.error(`  ${parts.join(', ')}`)
  }
rmSync(root, { recursive: true })
rmSync(dirname(bench), { recursive: true })
process.exit(failed ? 1 : 0)
