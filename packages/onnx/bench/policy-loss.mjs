/**
 * What chunks save in the policy loss: pnpm bench:onnx-policy-loss
 *
 * Loss and gradient of the hidden states, with an exact divergence, for 512 rows, in chunks and all at once, for 32,768 words
 * and for the 152,064 of Qwen2.5-VL, each in a process of its own that reports its peak memory above that of the opened
 * session.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { grad, Graph, op, policyLoss } from '@evolmm/onnx'
import ort from 'onnxruntime-node'
import { policyLoss as policyLossShape } from './shapes.json'
import { constant, feed, open, timeRuns } from './support.mjs'

const { rows, width } = policyLossShape

if (process.argv[2] === undefined) {
  for (const [words, chunk] of policyLossShape.words.flatMap((n) =>
    policyLossShape.chunks.map((c) => [n, c]),
  )) {
    const output = execFileSync(
      process.execPath,
      [fileURLToPath(import.meta.url), String(chunk), String(words)],
      {
        encoding: 'utf8',
      },
    )
    const { megabytes, seconds, loss, gradient } = JSON.parse(output)
    console.log(
      `${words} words, ${chunk === rows ? 'all rows at once' : `chunks of ${chunk} rows`}`.padEnd(34) +
        ` ${megabytes.toFixed(0).padStart(5)} MB above the session, ${seconds.toFixed(2)} s, ` +
        `loss ${loss.toFixed(5)}, |gradient| ${gradient.toExponential(5)}`,
    )
  }
  process.exit()
}

const [chunk, words] = process.argv.slice(2).map(Number)
const graph = new Graph('loss')
const hidden = graph.input('hidden', 'float32', [rows, width])
const vector = (name) => graph.input(name, 'float32', [rows])
const { loss } = policyLoss({
  hidden,
  weight: graph.initializer('head', constant([words, width])),
  tokens: graph.input('tokens', 'int64', [rows]),
  weights: vector('weights'),
  kl: { hidden: graph.input('reference', 'float32', [rows, width]), weights: vector('klWeights') },
  chunk,
})
graph.output('gradient', op.Identity(grad(loss, [hidden])[0]))
graph.output('loss', op.Identity(loss))
const session = await open(graph)
const feeds = {
  hidden: feed([rows, width], 1),
  reference: feed([rows, width], 0.9),
  weights: feed([rows], 1),
  klWeights: feed([rows], 0.1),
  tokens: new ort.Tensor(
    'int64',
    BigInt64Array.from({ length: rows }, (_, i) => BigInt((i * 7919) % words)),
    [rows],
  ),
}
writeFileSync('/proc/self/clear_refs', '5') // forget the peak of opening the session
const before = resident('VmRSS')
const result = await session.run(feeds)
const megabytes = resident('VmHWM') - before
console.log(
  JSON.stringify({
    megabytes,
    seconds: (await timeRuns(session, feeds, 3)) / 1e3,
    loss: result.loss.data[0],
    gradient: Math.sqrt(result.gradient.data.reduce((sum, value) => sum + value * value, 0)),
  }),
)

/** A figure of this process in MB; peaks are kept by the kernel. */
function resident(field) {
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
}
