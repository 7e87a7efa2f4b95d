import { readFileSync } from 'node:fs'
import { test } from 'vitest'
import { decodeImage } from '../src/image/decode-image'
import { imagePatches } from '../src/backbones/qwen2_5_vl/image-patches'
import { readImageProcessorConfig } from '../src/image/image-processor-config'
import { readConfig } from '../src/backbones/qwen2_5_vl/read-config'
import { qwenBackbone } from '../src/backbones/qwen2_5_vl/qwen-backbone'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { weightFiles } from '../src/programs/weight-files'
import { encodeProgram } from '../src/programs/encode-program'
import { learnProgram } from '../src/programs/learn-program'
import { packGroups } from '../src/programs/pack-groups'
import { trainable } from '../src/programs/trainable'
import { openProgram } from '../src/runtime/session'

const folder = new URL('./fixtures/qwen2_5_vl-tiny', import.meta.url).pathname
function readSt(path: string) {
  const b = readFileSync(path); const n = Number(b.readBigUInt64LE(0)); const h = JSON.parse(b.subarray(8, 8 + n).toString())
  return (name: string) => { const e = h[name]; const d = b.subarray(8 + n + e.data_offsets[0], 8 + n + e.data_offsets[1]); return { shape: e.shape, dtype: e.dtype, data: new Float32Array(d.buffer.slice(d.byteOffset, d.byteOffset + d.length)) } }
}
const maxAbs = (a: ArrayLike<number>, b: ArrayLike<number>) => { let m = 0; for (let i = 0; i < b.length; i++) m = Math.max(m, Math.abs(a[i] - b[i])); return m }
test('parity', async () => {
  const ref = readSt(folder + '/reference.safetensors'); const J = JSON.parse(readFileSync(folder + '/reference.json', 'utf8'))
  const config = await readConfig(folder); const backbone = qwenBackbone(config)
  const ck = await openCheckpoint(folder, backbone.weights); const files = weightFiles(ck.tensors.values())
  const proc = await readImageProcessorConfig({ folder })
  const enc = await openProgram(encodeProgram(backbone, files), { folder: files.folder })
  const lora = new Map<string, { rank: number; alpha: number }>()
  const names = JSON.parse(readFileSync(folder+'/reference.json','utf8')) && [...backbone.modules.keys()].filter((m) => /(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)$/.test(m))
  for (const n of names) lora.set(n, { rank: 4, alpha: 8 })
  const tr = trainable(backbone, lora)
  const params = new Float32Array(tr.layout.size)
  for (const e of tr.layout.entries) params.set(ref('lora.' + e.name.replace(/\.lora_([AB])\.weight$/, '.$1')).data, e.offset)
  const learn = await openProgram(learnProgram({ backbone, files, trainable: tr, gradient: true, kl: true }), { folder: files.folder })
  const base = await openProgram(learnProgram({ backbone, files, gradient: false, kl: false }), { folder: files.folder })
  for (const [ci, c] of J.cases.entries()) {
    const images = await Promise.all(c.images.map(async (f: string) => imagePatches(await decodeImage(folder + '/images/' + f), proc)))
    let features = { dtype: 'float32' as const, dims: [0, config.text.hiddenSize], data: new Float32Array(0) }
    if (images.length) { const out = await enc.run(backbone.visionFeeds(images)); features = { dtype: 'float32', dims: out.features.dims as number[], data: out.features.data as Float32Array }
      console.log(c.name, 'embeds', maxAbs(features.data, ref(c.name + '.image_embeds').data)) }
    const ids = Int32Array.from(c.prompt_ids as number[]); const comp = Int32Array.from(c.completion_ids as number[])
    const { positions, delta } = backbone.positions(ids, images.map((i: {grid: [number, number, number]}) => i.grid))
    const imageSpans = []; for (let i = 0; i < ids.length; i++) if (ids[i] === config.imageToken) imageSpans.push({ start: i, length: 1 })
    const { feeds, scored } = packGroups([{ prompt: { ids, positions, delta, imageSpans }, completions: [comp] }])
    const L = J.lora.losses[ci]
    const f32 = (v: number, n = scored) => ({ dtype: 'float32' as const, dims: [n], data: new Float32Array(n).fill(v) })
    const vis = images.length ? backbone.visionFeeds(images) : undefined
    const b = await base.run({ ...feeds, features, weights: f32(1) })
    console.log(c.name, 'base lp', maxAbs(b.log_probabilities.data as Float32Array, c.completion_logprobs))
    if (!vis) continue
    const out = await learn.run({ ...feeds, ...vis, features, weights: f32(L.advantage / scored), kl_weights: f32(L.beta / scored), parameters: { dtype: 'float32', dims: [params.length], data: params } })
    const kl = (out.kl.data as Float32Array).reduce((s, x) => s + x, 0) / scored
    console.log(c.name, 'lp', maxAbs(out.log_probabilities.data as Float32Array, L.token_logprobs), 'loss', (out.loss.data as Float32Array)[0] / L.loss - 1, 'kl', kl / L.kl - 1)
    let worst = 0; const g = out.gradient.data as Float32Array; let where = ''
    for (const e of tr.layout.entries) { const r = ref(`grad.${c.name}.` + e.name.replace(/\.lora_([AB])\.weight$/, '.$1')).data; let d = 0, n = 0; for (let i = 0; i < r.length; i++) { d += (g[e.offset + i] - r[i]) ** 2; n += r[i] ** 2 }
      const rel = n === 0 ? Math.sqrt(d) : Math.sqrt(d / n); if (rel > worst) { worst = rel; where = e.name } }
    console.log(c.name, 'worst grad', worst, where)
  }
})
import { sampleProgram } from '../src/programs/sample-program'
test('greedy', async () => {
  const J = JSON.parse(readFileSync(folder + '/reference.json', 'utf8'))
  const config = await readConfig(folder); const backbone = qwenBackbone(config)
  const ck = await openCheckpoint(folder, backbone.weights); const files = weightFiles(ck.tensors.values())
  const proc = await readImageProcessorConfig({ folder })
  const enc = await openProgram(encodeProgram(backbone, files), { folder: files.folder })
  const smp = await openProgram(sampleProgram({ backbone, files }), { folder: files.folder })
  for (const c of J.cases) {
    const images = await Promise.all(c.images.map(async (f: string) => imagePatches(await decodeImage(folder + '/images/' + f), proc)))
    let features: any = { dtype: 'float32' as const, dims: [0, config.text.hiddenSize], data: new Float32Array(0) }
    if (images.length) { const out = await enc.run(backbone.visionFeeds(images)); features = { dtype: 'float32', dims: out.features.dims as number[], data: out.features.data as any } }
    const ids = Int32Array.from(c.prompt_ids as number[])
    const { positions, delta } = backbone.positions(ids, images.map((i: any) => i.grid))
    const imageSpans = []; for (let i = 0; i < ids.length; i++) if (ids[i] === config.imageToken) imageSpans.push({ start: i, length: 1 })
    const { feeds } = packGroups([{ prompt: { ids, positions, delta, imageSpans }, completions: [] }])
    const N = 3, M = 24
    for (const temp of [0, 1]) {
    const out = await smp.run({ ...feeds, features, last_rows: { dtype: 'int64', dims: [1], data: BigInt64Array.of(BigInt(ids.length - 1)) }, starts: { dtype: 'int64', dims: [1], data: BigInt64Array.of(BigInt(ids.length + delta)) },
      owners: { dtype: 'int64', dims: [N], data: new BigInt64Array(N) }, uniforms: { dtype: 'float64', dims: [N, M], data: Float64Array.from({ length: N * M }, () => Math.random()) },
      temperature: { dtype: 'float32', dims: [], data: Float32Array.of(temp) }, top_p: { dtype: 'float32', dims: [], data: Float32Array.of(temp ? 0.9 : 1) }, top_k: { dtype: 'int64', dims: [], data: BigInt64Array.of(0n) }, stop_tokens: { dtype: 'int64', dims: [1], data: BigInt64Array.of(603n) } })
    const T = out.tokens.data as BigInt64Array
    console.log(temp, out.tokens.dims, Array.from({ length: out.tokens.dims[0] }, (_, s) => Number(T[s * N + 1])).join() , '\n', c.greedy_ids.join(), (out.sampled.data as any).slice(0, 6), (out.plain.data as any).slice(0,6))
    } }
})
