/**
 * One EvoLMM iteration: pnpm bench:vlm
 */
import { readFileSync, rmSync } from 'node:fs'
import { AdamW } from '@evolmm/rl-core'
import { loadVlm } from '@evolmm/vlm'
import { parameterLayout } from '@evolmm/onnx'
import { randomModel } from './random-model.mjs'

const shape = JSON.parse(readFileSync(new URL('./bench-small.json', import.meta.url)))
const folder = await randomModel(shape)
const vlm = await loadVlm(folder)
const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
function adapter(rank) {
  const { text } = shape
  const d = text.hidden_size, kv = (d / text.num_attention_heads) * text.num_key_value_heads, m = text.intermediate_size
  const sizes = { 'self_attn.q_proj': [d, d], 'self_attn.k_proj': [kv, d], 'self_attn.v_proj': [kv, d], 'self_attn.o_proj': [d, d], 'mlp.gate_proj': [m, d], 'mlp.up_proj': [m, d], 'mlp.down_proj': [d, m] }
  const lora = new Map(), shapes = []
  for (let i = 0; i < text.num_hidden_layers; i++) for (const [n, [o, inn]] of Object.entries(sizes)) { const name = `model.language_model.layers.${i}.${n}`; lora.set(name, { rank, alpha: 2 * rank }); shapes.push([`${name}.lora_A.weight`, [rank, inn]], [`${name}.lora_B.weight`, [o, rank]]) }
  const layout = parameterLayout(shapes)
  const parameters = new Float32Array(layout.size)
  for (const e of layout.entries) if (e.name.includes('lora_A')) for (let i = 0; i < e.shape[0] * e.shape[1]; i++) parameters[e.offset + i] = 0.02 * Math.sin(i * 12.9898)
  return { trainable: { layout, lora, full: new Set() }, parameters, dropout: 0, matched: [], unmatched: [] }
}
const solver = adapter(16), proposer = adapter(16)
const optimizer = new AdamW({ size: solver.parameters.length, lr: 1e-6, clip: 1, weightDecay: 0.01 })
const image = { width: 14 * shape.grid[1], height: 14 * shape.grid[0], data: Uint8Array.from({ length: 14 * 14 * shape.grid[0] * shape.grid[1] * 3 }, (_, i) => (i * 2654435761) >>> 24) }
const rss = () => (Number(/VmRSS:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024).toFixed(0)
const hwm = () => (Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024).toFixed(0)
function promptOf(encoded, n) {
  const p = vlm.prompt({ images: [encoded], prompt: 'x' })
  const words = Int32Array.from({ length: n }, (_, i) => 20 + ((i * 31) % 500))
  const head = p.ids.slice(0, p.imageSpans[0].start + p.imageSpans[0].length + 1)
  const ids = Int32Array.from([...head, ...words])
  const T = ids.length, h = head.length
  const positions = new Int32Array(3 * T)
  let next = 0
  for (let a = 0; a < 3; a++) for (let i = 0; i < h; i++) { positions[a * T + i] = p.positions[a * p.ids.length + i]; next = Math.max(next, positions[a * T + i] + 1) }
  for (let a = 0; a < 3; a++) for (let i = h; i < T; i++) positions[a * T + i] = next + i - h
  return { ...p, ids, positions, delta: next + (T - h) - T }
}
for (let it = 0; it < Number(process.argv[2] ?? 4); it++) {
  const t = [performance.now()]
  const lap = () => t.push(performance.now())
  const encoded = await vlm.encodeImage(image); lap()
  const [[question]] = await vlm.sample({ prompts: [promptOf(encoded, shape.proposer_prompt)], adapter: proposer, samples: 1, maxNewTokens: shape.new_tokens, stopTokens: [], seeds: [[1, it]] }); lap()
  const prompt = promptOf(encoded, shape.solver_prompt)
  const [answers] = await vlm.sample({ prompts: [prompt], adapter: solver, samples: shape.samples, maxNewTokens: shape.new_tokens, stopTokens: [], seeds: [[2, it]] }); lap()
  const update = await vlm.gradient({ groups: [{ prompt, completions: answers, advantages: answers.map((_, i) => i - 2) }], adapter: solver, beta: 1e-3 }); lap()
  optimizer.step(solver.parameters, update.gradient); lap()
  const ms = t.slice(1).map((x, i) => x - t[i])
  console.log(it, ['encode', 'propose', 'answer', 'gradient', 'adamw'].map((n, i) => `${n} ${ms[i].toFixed(0)}`).join('  '), 'total', (t.at(-1) - t[0]).toFixed(0), 'rss', rss(), 'peak', hwm(), 'gap', update.samplerGap, 'tokens', answers.map((a) => a.ids.length).join())
}
await vlm.dispose()
rmSync(folder, { recursive: true })
