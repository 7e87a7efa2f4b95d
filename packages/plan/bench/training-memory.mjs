/**
 * Planned memory of whole runs beside the peak that the kernel measured: pnpm bench:training-memory [MODEL] [METHOD] [CASE]
 *
 * Each case is a run of `evolmm train` in a process of its own, with updates of both roles, checkpoints and the report, or
 * one of M-STaR, with two cycles, checkpoints and validation questions, on the tiny checkpoint and on a random model of 38
 * million parameters; beside it what `evolmm plan` says of the same flags. It fails when a plan is more than 10 % off. Linux only.
 *
 * The flags are in `training-memory.json`. Random weights write no question that is well-formed, so `skip_malformed` is
 * off; without a divergence, answers that are all invalid, or all worth the same, would be no reason to run anything, so they
 * are untagged there and have rewards that differ. In M-STaR each answer is said to be right.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomModel } from '../../vlm/bench/random-model.mjs'
import { measuredMstar, plannedMstar, writeQuestions, writeReward } from '../test/support/measured-mstar'
import { measuredRun, plannedRun } from '../test/support/measured-run'
import { noiseImages } from '../test/support/noise-images'
import { base, cases, mstar } from './training-memory.json'

if (process.argv[2] === 'run') {
  const measured = { train: measuredRun, mstar: measuredMstar }[process.argv[3]]
  console.log(await measured(JSON.parse(process.argv[4])))
  process.exit(0)
}
const only = process.argv.slice(2)
const root = mkdtempSync(join(tmpdir(), 'evolmm-memory-'))
const shape = JSON.parse(readFileSync('packages/vlm/bench/bench-small.json', 'utf8'))
const bench = (await randomModel(shape)).folder
const models = { tiny: 'packages/vlm/test/fixtures/qwen2_5_vl-tiny', '38 million': bench }
const mb = (bytes) => (bytes / 1e6).toFixed(0)

/** Flags of a run of `train` on images of a folder. */
function trainFlags({ proposer_model: proposer, ...changes }, { name, model, data }) {
  const other = proposer === undefined ? {} : { proposer_model: name === 'tiny' ? bench : models.tiny }
  return { ...base, ...changes, ...other, solver_model: model, data_dir: data }
}

/** Flags of a run of M-STaR on questions about them. */
async function mstarFlags({ reward_model: reward, ...changes }, { model, data }) {
  const questions = await writeQuestions(data, 4)
  const scored = reward === undefined ? {} : { reward_model: mkdtempSync(join(root, 'reward-')) }
  if (reward !== undefined) await writeReward(scored.reward_model, model, Number(reward))
  return { ...mstar.base, ...changes, ...scored, model, data: questions, validation: questions }
}

const methods = {
  train: { cases, flagsOf: trainFlags, planned: plannedRun },
  mstar: { cases: mstar.cases, flagsOf: mstarFlags, planned: plannedMstar },
}
let failed = false
for (const [name, model] of Object.entries(models))
  for (const [method, { cases: all, flagsOf, planned }] of Object.entries(methods))
    for (const [title, { size: [width, height] = [448, 336], ...changes }] of Object.entries(all)) {
      if (only.some((each) => ![name, method, title].includes(each))) continue
      const data = join(root, `${width}x${height}`)
      await noiseImages(data, { width, height, count: 4 })
      const output = mkdtempSync(join(root, 'run-'))
      const given = { ...(await flagsOf(changes, { name, model, data })), output_dir: output }
      const { total, kinds } = await planned(given)
      const printed = execFileSync(
        process.execPath,
        [fileURLToPath(import.meta.url), 'run', method, JSON.stringify(given)],
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
