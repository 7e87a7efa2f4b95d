/**
 * What checkpointing saves: pnpm bench:onnx-checkpoint
 *
 * Forward and backward of a 12-block transformer, with and without a checkpoint around each block, each in a process
 * of its own. Memory is the peak resident size of the process above what it had when the session was open and garbage
 * collected. It fails when the gradients differ or less than half of the memory is saved.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkpoint } from './shapes.json'
import { loraTransformer, median, open } from './support.mjs'

const { transformer: config, tokens } = checkpoint

if (process.argv[2] === undefined) {
  // Every block of memory goes back to the system when it is freed, so that peaks are those of the program.
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536' }
  const run = (kind) =>
    JSON.parse(
      execFileSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), kind], {
        encoding: 'utf8',
        env,
      }),
    )
  const [plain, saved] = [run('plain'), run('checkpointed')]
  for (const [name, { megabytes, peak, seconds }] of Object.entries({
    'all activations kept': plain,
    'checkpoint per block': saved,
  }))
    console.log(
      `${name.padEnd(22)} ${megabytes.toFixed(0).padStart(6)} MB above the session, ${peak.toFixed(0)} MB in all, ${seconds.toFixed(2)} s a run`,
    )
  const ratio = plain.megabytes / saved.megabytes
  console.log(`memory ratio ${ratio.toFixed(1)}x, time ratio ${(saved.seconds / plain.seconds).toFixed(2)}`)
  console.log(plain.digest === saved.digest ? 'gradients are equal bit for bit' : 'GRADIENTS DIFFER')
  process.exit(plain.digest === saved.digest && ratio >= 2 ? 0 : 1)
}

/** The graph holds the weights a second time; it is garbage once the session is open. */
async function prepare() {
  const checkpointed = process.argv[2] === 'checkpointed'
  const { graph, feeds } = loraTransformer({ config, tokens, backward: true, checkpointed })
  return { session: await open(graph), values: feeds() }
}

const { session, values } = await prepare()
globalThis.gc()
globalThis.gc()
writeFileSync('/proc/self/clear_refs', '5') // forget the peak of opening the session
const before = resident('VmRSS')
const digest = createHash('sha256')
const times = []
for (let i = 0; i < 3; i++) {
  const start = performance.now()
  const results = await session.run(values)
  times.push((performance.now() - start) / 1e3)
  if (i === 0)
    for (const name of Object.keys(results).sort()) digest.update(Buffer.from(results[name].data.buffer))
}
console.log(
  JSON.stringify({
    megabytes: resident('VmHWM') - before,
    peak: resident('VmHWM'),
    seconds: median(times),
    digest: digest.digest('hex'),
  }),
)

/** A figure of this process in MB; peaks are kept by the kernel. */
function resident(field) {
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
}
