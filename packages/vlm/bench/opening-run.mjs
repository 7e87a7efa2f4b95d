/**
 * Opens one program of a model in this process and runs it, for `opening.mjs`, which bundles this file with the sources of one
 * checkout or another: it uses what both have. Prints the processor seconds of opening and of a second run, the bytes that both
 * runs take above the open session, and the nodes of what was opened.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parse } from '@evolmm/onnx'
import { loadVlm } from '@evolmm/vlm'
import { InferenceSession } from 'onnxruntime-node'

const { folder, cacheDir, kind, promptWords, newTokens, samples } = JSON.parse(process.argv[2])
const resident = (field) =>
  Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024

const opened = []
const create = InferenceSession.create.bind(InferenceSession)
InferenceSession.create = async (model, options) => {
  const before = process.cpuUsage()
  const session = await create(model, options)
  const { user, system } = process.cpuUsage(before)
  opened.push({ seconds: (user + system) / 1e6, nodes: countNodes(parse(model).body) })
  globalThis.gc()
  writeFileSync('/proc/self/clear_refs', '5') // forget the peak of opening
  opened.at(-1).bytes = resident('VmRSS')
  return session
}

function countNodes({ nodes }) {
  const bodies = nodes.flatMap(({ attributes }) =>
    Object.values(attributes).flatMap(({ type, value }) => (type === 'graph' ? [value] : [])),
  )
  return bodies.reduce((sum, body) => sum + countNodes(body), nodes.length)
}

const vlm = await loadVlm(folder, {
  device: 'cpu',
  threads: 1,
  memoryLimit: 1e15,
  ...(kind.startsWith('int4') && { quantize: 'int4', cacheDir }),
})
const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
const adapter = vlm.createAdapter({ rank: 4, alpha: 8, targets, seed: 1 })
const prompt = vlm.prompt({ prompt: Array(promptWords).fill('What').join(' ') })
const completions = Array.from({ length: samples }, (_, c) => ({
  ids: Int32Array.from({ length: newTokens }, (_, i) => 10 + ((i * 11 + 7 * c) % 500)),
}))
const advantages = completions.map((_, c) => c + 1)
const calls = {
  sample: () => vlm.sample({ prompts: [prompt], adapter, samples, maxNewTokens: newTokens, stopTokens: [] }),
  score: () => vlm.score({ groups: [{ prompt, completions }], adapter, kl: true }),
  gradient: () => vlm.gradient({ groups: [{ prompt, completions, advantages }], adapter, beta: 0.1 }),
}
const checkpointed = kind.endsWith('checkpointed')
calls.checkpointed = () =>
  vlm.gradient({ groups: [{ prompt, completions, advantages }], adapter, beta: 0.1, checkpointed })
const call = calls[checkpointed ? 'checkpointed' : kind === 'int4' ? 'gradient' : kind]
await call()
const before = process.cpuUsage()
await call()
const { user, system } = process.cpuUsage(before)
const run = (user + system) / 1e6
const [{ seconds, nodes, bytes }, ...others] = opened
if (others.length > 0) throw new Error('more than one program was opened')
console.log(JSON.stringify({ seconds, nodes, bytes: resident('VmHWM') - bytes, run }))
await vlm.dispose()
